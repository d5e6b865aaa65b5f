// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package liveupdate

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
	"tilt.dev/session/pkg/model"
)

// parallel is how many containers get files at a time.
const parallel = 8

// activity is a live update that has begun.
type activity struct {
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

var _ engine.Activity = (*activity)(nil)

// PID implements engine.Activity.
func (a *activity) PID() int { return 0 }

// Done implements engine.Activity.
func (a *activity) Done() <-chan struct{} { return a.done }

// Ending implements engine.Activity.
func (a *activity) Ending() bool { return false }

// End implements engine.Activity.
func (a *activity) End() engine.End { return a.end }

// Stop implements engine.Activity. The commands that run have the grace to end.
func (a *activity) Stop(grace time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.stopping {
		a.stopping = true
		close(a.stop)
		a.deadline = time.AfterFunc(max(0, grace), a.cancel)
	} else if grace <= 0 {
		a.cancel()
	}
}

// job is the update of one container.
type job struct {
	Update
	member Member
	mark   *mark
	// latest is the number of the last change that it brings.
	latest uint64
	// ctx ends with its container too.
	ctx    context.Context
	cancel context.CancelCauseFunc
	err    error
}

// Start begins a live update. Containers that have all files get none.
func (g *Group) Start(request engine.LiveUpdateRequest) (engine.Activity, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, fmt.Errorf("resource %q isn't followed any more", request.Task)
	}
	ctx, cancel := context.WithCancel(g.ctx)
	a := &activity{cancel: cancel, done: make(chan struct{}), stop: make(chan struct{})}
	jobs, err := g.begin(ctx, a, request)
	if err != nil {
		cancel()
		return nil, err
	}
	g.wait.Go(func() {
		defer cancel()
		defer close(a.done)
		runJobs(jobs)
		a.end = endOf(jobs)
		a.mu.Lock()
		if a.deadline != nil {
			a.deadline.Stop()
		}
		a.stopping = true // Nothing is left to stop.
		a.mu.Unlock()
		g.finish(jobs)
	})
	return a, nil
}

// begin returns what an update has to do. The caller holds mu.
func (g *Group) begin(ctx context.Context, a *activity, request engine.LiveUpdateRequest) ([]*job, error) {
	if g.current != nil {
		select {
		case <-g.current.done:
		default:
			return nil, fmt.Errorf("resource %q: another live update is going on", request.Task)
		}
	}
	if len(request.Files) != len(g.request.LiveUpdates) {
		return nil, fmt.Errorf("resource %q: files for %d live updates, not for %d", request.Task, len(request.Files),
			len(g.request.LiveUpdates))
	}
	g.current = a
	var jobs []*job
	for i := range g.request.LiveUpdates {
		definition := &g.request.LiveUpdates[i]
		files := request.Files[i]
		latest := g.latest[identityOf(definition)]
		if n := len(files); n > 0 {
			latest = max(latest, files[n-1].Change)
		}
		g.latest[identityOf(definition)] = latest
		if len(g.members) == 0 {
			continue // They are seen soon, and lack the files then.
		}
		first := len(jobs)
		for _, m := range g.members[i] {
			if m.State != MemberRunning {
				continue
			}
			key := markKey{identityOf(definition), m.ID}
			if g.marks[key] == nil {
				g.marks[key] = &mark{}
			}
			if j := newJob(definition, g.marks[key], files, latest); j != nil {
				j.Stop, j.Log = a.stop, request.Log
				j.member = m
				j.Brief = len(jobs) > first && slices.Equal(j.Files, jobs[first].Files)
				jobs = append(jobs, j)
			}
		}
	}
	for _, j := range jobs {
		j.claim(ctx)
		if len(jobs) > 1 {
			j.Prefix = fmt.Sprintf("[%s] ", j.member)
		}
	}
	g.report()
	return jobs, nil
}

// claim notes at the container's mark that the job brings it files from now on, until cancel is called.
func (j *job) claim(ctx context.Context) {
	j.ctx, j.cancel = context.WithCancelCause(ctx)
	j.mark.job = j
	if j.mark.brought == nil {
		j.mark.brought = map[string]bool{}
	}
	for _, path := range j.Files {
		j.mark.brought[path] = true
	}
}

// newJob returns what a container has to get, nil if it lacks nothing.
func newJob(u *model.LiveUpdate, m *mark, files []engine.ChangedFile, latest uint64) *job {
	j := &job{mark: m, latest: latest}
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
func runJobs(jobs []*job) {
	slots := make(chan struct{}, parallel)
	var running sync.WaitGroup
	for _, j := range jobs {
		slots <- struct{}{}
		running.Go(func() {
			j.err = j.Run(j.ctx, j.member.Container)
			j.cancel(nil)
			<-slots
		})
	}
	running.Wait()
}

// finish notes what the containers have got, and reports what others lack.
func (g *Group) finish(jobs []*job) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, j := range jobs {
		j.mark.job, j.mark.program = nil, j.Program
		g.await(j)
		if stopped(j.err) || errors.Is(j.err, ErrGone) {
			continue // It is still to be tried.
		}
		j.mark.tried, j.mark.initialTried, j.mark.again = max(j.mark.tried, j.latest), true, false
		if j.err == nil {
			j.mark.had, j.mark.initial, j.mark.owed = max(j.mark.had, j.latest), true, false
		}
	}
	g.report()
}

// await has a container wait for the next look at it: one that was last seen before its end, or before its restart. The
// caller holds mu.
func (g *Group) await(j *job) {
	for _, members := range g.members {
		for i := range members {
			m := &members[i]
			ended := errors.Is(j.err, ErrGone) && m.Container == j.member.Container
			started := j.err == nil && j.Steps.Restart && m.State == MemberStopped
			if m.ID == j.member.ID && (ended || started) {
				m.State = MemberWaiting
			}
		}
	}
}

func stopped(err error) bool {
	return errors.Is(err, ErrStopped) || errors.Is(err, context.Canceled)
}

// endOf is how an update ends whose jobs have ended. Containers that are gone don't count.
func endOf(jobs []*job) engine.End {
	var updated, failed []string
	var others []string
	var end engine.End
	for _, j := range jobs {
		var run *RunError
		switch {
		case j.err == nil:
			updated = append(updated, j.member.String())
		case errors.Is(j.err, ErrGone):
		case stopped(j.err):
			end.Error = "stopped"
		case errors.As(j.err, &run):
			failed = append(failed, j.member.String())
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
			"PodsInconsistent: Pods in inconsistent state. Success: %s. Failure: %s",
			strings.Join(updated, ", "), strings.Join(failed, ", "))}
	}
	return end
}
