// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/liveupdate"
	"tilt.dev/session/pkg/model"
)

// parallel is how many containers get files at a time.
const parallel = 8

// liveUpdate is a live update that has begun.
type liveUpdate struct {
	cancel context.CancelFunc
	done   chan struct{}
	end    engine.End

	mu sync.Mutex
	// stop is closed when the update mustn't begin another command.
	stop     chan struct{}
	stopping bool
	// deadline cancels it, nil before Stop.
	deadline *time.Timer
}

var (
	_ engine.LiveUpdater = (*activity)(nil)
	_ engine.Activity    = (*liveUpdate)(nil)
)

// PID implements engine.Activity.
func (u *liveUpdate) PID() int { return 0 }

// Done implements engine.Activity.
func (u *liveUpdate) Done() <-chan struct{} { return u.done }

// Ending implements engine.Activity.
func (u *liveUpdate) Ending() bool { return false }

// End implements engine.Activity.
func (u *liveUpdate) End() engine.End { return u.end }

// Stop implements engine.Activity. The commands that run have the grace to end.
func (u *liveUpdate) Stop(grace time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.stopping {
		u.stopping = true
		close(u.stop)
		u.deadline = time.AfterFunc(max(0, grace), u.cancel)
	} else if grace <= 0 {
		u.cancel()
	}
}

// liveJob is the update of one container.
type liveJob struct {
	liveupdate.Update
	container *container
	mark      *mark
	// latest is the number of the last change that it brings.
	latest uint64
	// ctx ends with its container too.
	ctx    context.Context
	cancel context.CancelCauseFunc
	err    error
}

// StartLiveUpdate implements engine.LiveUpdater. Containers that have all files get none.
func (t *activity) StartLiveUpdate(request engine.LiveUpdateRequest) (engine.Activity, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return nil, errors.New("the workload isn't followed any more")
	}
	ctx, cancel := context.WithCancel(t.ctx)
	u := &liveUpdate{cancel: cancel, done: make(chan struct{}), stop: make(chan struct{})}
	jobs, err := t.live.begin(ctx, u, request, t.runner)
	if err != nil {
		cancel()
		return nil, err
	}
	t.updates.Go(func() {
		defer cancel()
		defer close(u.done)
		runJobs(jobs)
		u.end = endOf(jobs)
		u.mu.Lock()
		if u.deadline != nil {
			u.deadline.Stop()
		}
		u.stopping = true // Nothing is left to stop.
		u.mu.Unlock()
		t.live.finish(jobs)
	})
	return u, nil
}

// begin returns what an update has to do.
func (l *live) begin(ctx context.Context, u *liveUpdate, request engine.LiveUpdateRequest, r *Runner,
) ([]*liveJob, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current != nil {
		select {
		case <-l.current.done:
		default:
			return nil, fmt.Errorf("resource %q: another live update is going on", request.Task)
		}
	}
	if len(request.Files) != len(l.request.LiveUpdates) {
		return nil, fmt.Errorf("resource %q: files for %d live updates, not for %d", request.Task, len(request.Files),
			len(l.request.LiveUpdates))
	}
	l.current = u
	var jobs []*liveJob
	for i := range l.request.LiveUpdates {
		definition := &l.request.LiveUpdates[i]
		files := request.Files[i]
		latest := l.latest[identityOf(definition)]
		if n := len(files); n > 0 {
			latest = max(latest, files[n-1].Change)
		}
		l.latest[identityOf(definition)] = latest
		first := len(jobs)
		for _, p := range l.pods {
			for _, name := range l.containers(definition, p.Pod) {
				s := containerStatus(p.Pod, name)
				if s == nil || s.State.Running == nil {
					continue
				}
				key := keyOf(definition, p.Pod, s)
				if l.marks[key] == nil {
					l.marks[key] = &mark{}
				}
				if j := newLiveJob(definition, l.marks[key], files, latest); j != nil {
					j.Stop, j.Log = u.stop, request.Log
					j.container = &container{runner: r, pod: p.Pod, name: name, id: s.ContainerID}
					j.Brief = len(jobs) > first && slices.Equal(j.Files, jobs[first].Files)
					jobs = append(jobs, j)
				}
			}
		}
	}
	for _, j := range jobs {
		own, cancel := context.WithCancelCause(ctx)
		j.ctx, j.cancel = own, cancel
		j.mark.job = j
		if j.mark.brought == nil {
			j.mark.brought = map[string]bool{}
		}
		for _, path := range j.Files {
			j.mark.brought[path] = true
		}
		if len(jobs) > 1 {
			j.Prefix = fmt.Sprintf("[%s] ", j.container)
		}
	}
	l.report()
	return jobs, nil
}

// newLiveJob returns what a container has to get, nil if it lacks nothing.
func newLiveJob(u *model.LiveUpdate, m *mark, files []engine.ChangedFile, latest uint64) *liveJob {
	j := &liveJob{mark: m, latest: latest}
	j.Steps, j.Program = &u.LiveSteps, m.program
	if u.InitialSync && !m.initial {
		j.Initial, j.Ignores = true, u.Ignores
	}
	if m.owed {
		j.Files = slices.Sorted(maps.Keys(m.brought))
	}
	for _, f := range files {
		if f.Change > m.had && !(m.owed && m.brought[f.Path]) {
			j.Files = append(j.Files, f.Path)
		}
	}
	if len(j.Files) == 0 && !j.Initial {
		m.had, m.tried = max(m.had, latest), max(m.tried, latest)
		return nil
	}
	return j
}

// runJobs does the jobs, some at a time.
func runJobs(jobs []*liveJob) {
	slots := make(chan struct{}, parallel)
	var running sync.WaitGroup
	for _, j := range jobs {
		slots <- struct{}{}
		running.Go(func() {
			j.err = j.Run(j.ctx, j.container)
			j.cancel(nil)
			<-slots
		})
	}
	running.Wait()
}

// finish notes what the containers have got, and reports what others lack.
func (l *live) finish(jobs []*liveJob) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, j := range jobs {
		j.mark.job, j.mark.program = nil, j.Program
		if stopped(j.err) {
			continue // It is still to be tried.
		}
		j.mark.tried, j.mark.initialTried, j.mark.again = max(j.mark.tried, j.latest), true, false
		if j.err == nil {
			j.mark.had, j.mark.initial, j.mark.owed = max(j.mark.had, j.latest), true, false
		}
	}
	l.report()
}

func stopped(err error) bool {
	return errors.Is(err, liveupdate.ErrStopped) || errors.Is(err, context.Canceled)
}

// endOf is how an update ends whose jobs have ended. Containers that are gone don't count.
func endOf(jobs []*liveJob) engine.End {
	var updated, failed []string
	var others []string
	var end engine.End
	for _, j := range jobs {
		var run *liveupdate.RunError
		switch {
		case j.err == nil:
			updated = append(updated, j.container.pod.Name)
		case errors.Is(j.err, liveupdate.ErrGone):
		case stopped(j.err):
			end.Error = "stopped"
		case errors.As(j.err, &run):
			failed = append(failed, j.container.pod.Name)
			if end.Code == nil {
				end.Error, end.Code = run.Error(), &run.Code
			}
		default:
			others = append(others, j.err.Error())
		}
	}
	switch {
	case len(others) > 0:
		return engine.End{Rebuild: "UpdateFailed: " + strings.Join(others, "; ")}
	case len(failed) > 0 && len(updated) > 0:
		return engine.End{Rebuild: fmt.Sprintf(
			"PodsInconsistent: Pods in inconsistent state. Success: pod %s. Failure: pod %s",
			strings.Join(updated, ", "), strings.Join(failed, ", "))}
	}
	return end
}
