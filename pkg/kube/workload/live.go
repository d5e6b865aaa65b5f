// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/distribution/reference"
	corev1 "k8s.io/api/core/v1"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/kube/workload/status"
	"tilt.dev/session/pkg/liveupdate"
	"tilt.dev/session/pkg/model"
)

// live finds the containers of a workload that take files.
type live struct {
	*liveupdate.Group
	runner *Runner
	// deployed is when the last deploy ended.
	deployed time.Time
	// repositories are those of the references of containers, whose pods may be many.
	repositories map[string]string
}

func newLive(ctx context.Context, r *Runner, s spec) *live {
	return &live{
		Group:  liveupdate.NewGroup(ctx, s.RuntimeRequest, s.applied.At),
		runner: r, deployed: s.applied.At, repositories: map[string]string{},
	}
}

// renew follows another request, which is only of another definition if it has no output.
func (l *live) renew(s spec) {
	if s.Output != nil {
		l.deployed = s.applied.At
	}
	l.Renew(s.RuntimeRequest, l.deployed)
}

// observe takes in the pods that count, and forgets containers that are in none of all pods. Settled is true if the
// workload has all pods that it will have.
func (l *live) observe(current, all []status.Pod, settled bool) {
	request := l.Request()
	if len(request.LiveUpdates) == 0 {
		return
	}
	current = slices.DeleteFunc(slices.Clone(current), func(p status.Pod) bool { return p.DeletionTimestamp != nil })
	members := make([][]liveupdate.Member, len(request.LiveUpdates))
	for i := range request.LiveUpdates {
		for _, p := range current {
			for _, name := range l.containers(&request, &request.LiveUpdates[i], p.Pod) {
				members[i] = append(members[i], l.member(p.Pod, name))
			}
		}
	}
	running := map[string]bool{}
	for _, p := range all {
		for i := range p.Status.ContainerStatuses {
			s := &p.Status.ContainerStatuses[i]
			running[memberID(p.Pod, s)] = s.State.Terminated == nil
		}
	}
	// Pods are known, and this workload may have none of them.
	l.Observe(members, running, settled || len(current) > 0)
}

// memberID identifies a container from its start to its end.
func memberID(p *corev1.Pod, s *corev1.ContainerStatus) string {
	return fmt.Sprintf("%s/%s/%s", p.UID, s.Name, s.ContainerID)
}

// member is how a container of a pod is.
func (l *live) member(p *corev1.Pod, name string) liveupdate.Member {
	s := containerStatus(p, name)
	c := &container{runner: l.runner, pod: p, name: name}
	m := liveupdate.Member{Container: c}
	if s != nil {
		c.id = s.ContainerID
		m.ID = memberID(p, s)
	}
	stop := func() liveupdate.Member {
		m.State, m.Reason = liveupdate.MemberStopped, "Terminated"
		m.Message = "Container for live update is stopped. Pod name: " + p.Name
		return m
	}
	switch {
	case p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed:
		return stop()
	case s == nil:
	case s.State.Running != nil:
		m.State = liveupdate.MemberRunning
	case s.State.Waiting != nil && s.State.Waiting.Reason == "CrashLoopBackOff":
		m.State, m.Reason = liveupdate.MemberCrashing, "CrashLoopBackOff"
		m.Message = "Cannot live update because container crashing. Pod: " + p.Name
	case s.State.Terminated != nil && !restarts(p, s.State.Terminated):
		return stop()
	}
	return m
}

// observeLive tells the live updates what was seen, unless it is of a former deploy or pods may be missing.
func (t *activity) observeLive(seen observation, phase engine.Phase) {
	settled := phase >= engine.Ready && t.spec.workload.Readiness != model.PodReadinessIgnore
	makes := len(t.spec.workload.PodSelectors) > 0 || slices.ContainsFunc(t.mapped, func(o object) bool {
		return status.MakesPods(o.Unstructured)
	})
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.next == nil && seen.again.IsZero() {
		t.live.observe(seen.current, seen.pods, settled || !makes)
	}
}

// containers returns the names of the containers of a pod that take files.
func (l *live) containers(request *engine.RuntimeRequest, u *model.LiveUpdate, p *corev1.Pod) []string {
	wanted := u.Repository
	if u.Image != "" {
		wanted = l.repository(request.Images[u.Image].ClusterRef)
	}
	var names []string
	for _, c := range p.Spec.Containers {
		if u.Container != "" && c.Name == u.Container || wanted != "" && l.repository(c.Image) == wanted {
			names = append(names, c.Name)
		}
	}
	return names
}

// repository is the normalized name of an image without tag and digest, empty if the text is no reference.
func (l *live) repository(ref string) string {
	name, ok := l.repositories[ref]
	if !ok {
		if named, err := reference.ParseNormalizedNamed(ref); err == nil {
			name = named.Name()
		}
		l.repositories[ref] = name
	}
	return name
}

// restarts reports whether the kubelet starts a container again that has ended.
func restarts(p *corev1.Pod, t *corev1.ContainerStateTerminated) bool {
	return p.Spec.RestartPolicy == corev1.RestartPolicyAlways ||
		p.Spec.RestartPolicy == corev1.RestartPolicyOnFailure && t.ExitCode != 0
}

// containerStatus returns the status of a container, nil without a pod or before there is one.
func containerStatus(p *corev1.Pod, name string) *corev1.ContainerStatus {
	if p == nil {
		return nil
	}
	for i := range p.Status.ContainerStatuses {
		if p.Status.ContainerStatuses[i].Name == name {
			return &p.Status.ContainerStatuses[i]
		}
	}
	return nil
}

// describe names a container as people know it.
func describe(pod, container string) string { return fmt.Sprintf("%s/%s", pod, container) }
