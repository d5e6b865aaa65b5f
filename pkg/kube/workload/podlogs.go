// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/kube/cluster"
	"tilt.dev/session/pkg/kube/workload/status"
)

// meshContainers are the containers of service meshes, whose logs aren't shown.
var meshContainers = []string{"istio-init", "istio-proxy", "linkerd-init", "linkerd-proxy"}

// podLogs follows the logs of the containers of a workload, each with a follower of its own.
type podLogs struct {
	connection *cluster.Connection
	// began is from when on the lines of pods that existed before are shown.
	began time.Time
	// drained is called when a follower has read the log of a container that has ended.
	drained func()

	followers map[followerKey]*follower
	wait      sync.WaitGroup
}

type followerKey struct {
	pod       types.UID
	container string
}

func newPodLogs(c *cluster.Connection, began time.Time, drained func()) *podLogs {
	return &podLogs{connection: c, began: began, drained: drained, followers: map[followerKey]*follower{}}
}

// follow follows the pods that count from now on, and those that it follows already until they are gone.
func (l *podLogs) follow(ctx context.Context, log engine.Log, current, all []status.Pod) {
	for _, p := range current {
		shown := shownContainers(p.Pod)
		for _, name := range shown {
			key := followerKey{p.UID, name}
			if l.followers[key] == nil {
				l.followers[key] = l.start(ctx, log, p.Pod, name, prefix(p.Pod, name))
			}
		}
	}
	pods := map[types.UID]*corev1.Pod{}
	for _, p := range all {
		pods[p.UID] = p.Pod
	}
	for key, f := range l.followers {
		f.set(pods[key.pod])
		if pods[key.pod] == nil && f.ended() {
			delete(l.followers, key)
		}
	}
}

func (l *podLogs) start(ctx context.Context, log engine.Log, p *corev1.Pod, container, prefix string) *follower {
	f := &follower{
		pods: l.connection.Core.Pods(p.Namespace), log: log, name: p.Name, uid: p.UID, container: container, prefix: prefix,
		changed: make(chan struct{}, 1), done: make(chan struct{}), onDrained: l.drained, pod: p,
	}
	// The clocks of machines differ a little, and creation times are whole seconds.
	if p.CreationTimestamp.Add(time.Second).Before(l.began) {
		f.position.Last = l.began
	}
	l.wait.Go(func() { f.run(ctx) })
	return f
}

// behind says whether a container has ended whose log wasn't read to its end.
func (l *podLogs) behind() bool {
	for _, f := range l.followers {
		if f.behind() {
			return true
		}
	}
	return false
}

// stop waits for the followers, whose context has ended.
func (l *podLogs) stop() { l.wait.Wait() }

// shownContainers returns the names of the containers whose logs are shown.
func shownContainers(p *corev1.Pod) []string {
	var names []string
	for _, c := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
		if !slices.Contains(meshContainers, c.Name) {
			names = append(names, c.Name)
		}
	}
	return names
}

// prefix is what the lines of a container begin with: nothing if it's the only one that isn't an init container.
func prefix(p *corev1.Pod, container string) string {
	others := 0
	for _, c := range p.Spec.Containers {
		if !slices.Contains(meshContainers, c.Name) {
			others++
		}
	}
	isInit := slices.ContainsFunc(p.Spec.InitContainers, func(c corev1.Container) bool { return c.Name == container })
	if !isInit && others == 1 {
		return ""
	}
	return "[" + container + "] "
}
