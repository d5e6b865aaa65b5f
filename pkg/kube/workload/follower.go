// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/kube/cluster"
	"tilt.dev/session/pkg/kube/workload/tail"
	"tilt.dev/session/pkg/logs"
)

// follower shows the log of one container of a pod, across its restarts.
type follower struct {
	pods      typedcorev1.PodInterface
	log       engine.Log
	name      string
	uid       types.UID
	container string
	prefix    string
	changed   chan struct{}
	done      chan struct{}
	onDrained func()

	mu sync.Mutex
	// pod is the latest state of the pod, nil once it's gone.
	pod *corev1.Pod
	// drained is the ID of the last container whose log was read to its end.
	drained string

	// position and the rest belong to run.
	position tail.Position
	instance string
	told     string
}

// set tells the follower the latest state of its pod, nil if it's gone.
func (f *follower) set(p *corev1.Pod) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pod == p || f.pod == nil {
		return
	}
	f.pod = p
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

func (f *follower) ended() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// instances are the IDs in the status of a container, each empty if there is none.
type instances struct {
	// running runs, and ended has ended since. previous ended before one of those, or before the one to come.
	running, ended, previous string
	// over is true if there will be no other one.
	over bool
}

func (f *follower) instances() instances {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pod == nil {
		return instances{over: true}
	}
	phase := f.pod.Status.Phase
	i := instances{over: phase == corev1.PodSucceeded || phase == corev1.PodFailed}
	for _, list := range [][]corev1.ContainerStatus{f.pod.Status.InitContainerStatuses, f.pod.Status.ContainerStatuses} {
		for _, c := range list {
			if c.Name != f.container {
				continue
			}
			switch {
			case c.State.Running != nil:
				i.running = c.ContainerID
			case c.State.Terminated != nil:
				i.ended = c.State.Terminated.ContainerID
			}
			if last := c.LastTerminationState.Terminated; last != nil {
				i.previous = last.ContainerID
			}
		}
	}
	return i
}

// behind says whether a container has ended whose log wasn't read to its end.
func (f *follower) behind() bool {
	i := f.instances()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended() {
		return false
	}
	return i.ended != "" && i.ended != f.drained || i.ended == "" && i.previous != "" && i.previous != f.drained
}

// How long a follower waits before it reads again: after an end, since a container that has ended is about to be
// reported, and after errors.
const settle = 10 * time.Second

var logBackoff = wait.Backoff{Duration: 500 * time.Millisecond, Factor: 2, Jitter: 0.1, Steps: 6, Cap: 15 * time.Second}

func (f *follower) run(ctx context.Context) {
	defer close(f.done)
	writer := f.log.Writer()
	defer writer.Close()
	emit := func(line []byte, ofKubelet bool) {
		if ofKubelet {
			line = []byte(withHint(string(line)))
		}
		_, _ = fmt.Fprintf(writer, "%s%s\n", f.prefix, line)
	}
	backoff := logBackoff
	for ctx.Err() == nil {
		i := f.instances()
		f.noteRestart(i)
		var err error
		delay := time.Duration(0)
		switch {
		case i.previous != "" && i.previous != f.drainedID() && i.ended != f.drainedID():
			if err = f.read(ctx, emit, corev1.PodLogOptions{Previous: true}); err == nil {
				f.drain(i.previous)
			}
		case i.ended != "" && i.ended != f.drainedID():
			if err = f.read(ctx, emit, corev1.PodLogOptions{}); err == nil {
				f.drain(i.ended)
			}
		case i.running != "":
			if err = f.read(ctx, emit, corev1.PodLogOptions{Follow: true}); err == nil {
				// The container has ended, which its status will say soon.
				delay = settle
			}
		case i.over:
			return
		default:
			delay = time.Hour
		}
		switch {
		case err == nil:
			backoff = logBackoff
			f.pause(ctx, delay)
		case gone(err):
			f.drain(i.ended)
			f.drain(i.previous)
			f.pause(ctx, settle)
		default:
			f.tell(ctx, err)
			f.pause(ctx, backoff.Step())
			f.refresh(ctx)
		}
	}
}

// noteRestart tells that another container runs than before.
func (f *follower) noteRestart(i instances) {
	if i.running == "" || i.running == f.instance {
		return
	}
	if f.instance != "" {
		f.log.Append(logs.LevelInfo,
			fmt.Sprintf("Detected container restart. Pod: %s. Container: %s.", f.name, f.container))
	}
	f.instance = i.running
}

func (f *follower) drainedID() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.drained
}

func (f *follower) drain(id string) {
	if id == "" {
		return
	}
	f.mu.Lock()
	f.drained = id
	f.mu.Unlock()
	f.onDrained()
}

// pause waits for a change of the pod, at most for a time.
func (f *follower) pause(ctx context.Context, most time.Duration) {
	if most == 0 {
		return
	}
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-f.changed:
	case <-timer.C:
	}
}

// refresh reads the pod after an error: its container may have been restarted meanwhile, and the log of the former
// one must be read first.
func (f *follower) refresh(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, cluster.CallTimeout)
	defer cancel()
	if p, err := f.pods.Get(ctx, f.name, metav1.GetOptions{}); err == nil && p.UID == f.uid {
		f.set(p)
	}
}

// gone says whether an error means that there is nothing to read any more.
func gone(err error) bool { return apierrors.IsNotFound(err) || apierrors.IsBadRequest(err) }

// tell logs an error, unless it's the same as before.
func (f *follower) tell(ctx context.Context, err error) {
	text := err.Error()
	if ctx.Err() != nil || text == f.told || errors.Is(err, io.ErrUnexpectedEOF) || cluster.Unreachable(err) {
		return // The connection is made again, and the state of the resource says so meanwhile.
	}
	f.told = text
	f.log.Append(logs.LevelWarn, fmt.Sprintf("can't read the log of container %s of pod %s: %s; trying again",
		f.container, f.name, withHint(text)))
}

// withHint adds to an error what to do about it.
func withHint(text string) string {
	if strings.Contains(text, "too many open files") {
		text += " (the node of the pod has reached its limit of inotify: raise fs.inotify.max_user_instances and " +
			"fs.inotify.max_user_watches there)"
	}
	return text
}

// read shows the lines of a log from the position on.
func (f *follower) read(ctx context.Context, emit func([]byte, bool), options corev1.PodLogOptions) error {
	options.Container, options.Timestamps = f.container, true
	if !f.position.Last.IsZero() {
		// Sent in whole seconds, rounded down. The position knows what comes twice.
		options.SinceTime = &metav1.Time{Time: f.position.Last}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !options.Follow {
		timer := time.AfterFunc(time.Minute, cancel)
		defer timer.Stop()
	}
	stream, err := f.pods.GetLogs(f.name, &options).Stream(ctx)
	if err != nil {
		return err
	}
	defer stream.Close()
	f.told = ""
	return f.position.Copy(stream, !options.Follow, emit)
}
