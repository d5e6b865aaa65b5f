// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"context"
	"fmt"
	"sync"
	"time"

	"tilt.dev/session/pkg/compose/dockerapi"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/liveupdate"
	"tilt.dev/session/pkg/model"
)

const (
	// patience is how long the report of an end waits for the log of a container that has ended.
	patience = 3 * time.Second
	// rest is the least time between two looks at the state, so that a burst of changes costs little.
	rest = 50 * time.Millisecond
)

// spec is what a runtime follows.
type spec struct {
	engine.RuntimeRequest
	service *model.ComposeService
}

func specOf(request engine.RuntimeRequest) (spec, error) {
	service, ok := request.Runtime.(*model.ComposeService)
	if !ok {
		return spec{}, fmt.Errorf("%v isn't a Compose service", request.Runtime)
	}
	return spec{request, service}, nil
}

func (s spec) key() serviceKey { return serviceKey{s.service.Project.Name, s.service.Service} }

// runtime is the runtime of one service. Its goroutine owns everything but what mu guards.
type runtime struct {
	runner  *Runner
	cancel  context.CancelFunc
	changed chan struct{}
	done    chan struct{}

	mu   sync.Mutex
	next *spec // The spec to follow from now on, nil if that of the goroutine is the latest.

	spec  spec
	watch *watcher
	// fresh is the number of the view that reports may be based on.
	fresh int
	// reported is the last report, nil before. It is due again if a request followed that hasn't got it.
	reported *engine.Report
	due      bool
	// held is since when a report waits for logs, zero if none does.
	held      time.Time
	followers map[string]*follower
	following sync.WaitGroup
	told      map[string]told
	live      *liveupdate.Group
	// deployed is when the last update ended.
	deployed time.Time
}

var _ engine.Runtime = (*runtime)(nil)

func newRuntime(ctx context.Context, r *Runner, s spec, cancel context.CancelFunc) *runtime {
	t := &runtime{
		runner: r, cancel: cancel, changed: make(chan struct{}, 1), done: make(chan struct{}), next: &s, spec: s,
		followers: map[string]*follower{}, told: map[string]told{},
		live: liveupdate.NewGroup(ctx, s.RuntimeRequest, time.Time{}),
	}
	t.renewLive(s.RuntimeRequest)
	return t
}

// PID implements engine.Activity.
func (t *runtime) PID() int { return 0 }

// Done implements engine.Activity.
func (t *runtime) Done() <-chan struct{} { return t.done }

// Ending implements engine.Activity.
func (t *runtime) Ending() bool { return false }

// End implements engine.Activity.
func (t *runtime) End() engine.End { return engine.End{} }

// Stop implements engine.Activity. It only ends the observation: Runner.Disable and Runner.Close remove containers.
func (t *runtime) Stop(time.Duration) { t.cancel() }

// Renew implements engine.Runtime.
func (t *runtime) Renew(request engine.RuntimeRequest) bool {
	s, err := specOf(request)
	if err != nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-t.done:
		return false
	default:
	}
	if s.key() != t.spec.key() {
		return false
	}
	t.next = &s
	t.renewLive(request)
	t.wake()
	return true
}

func (t *runtime) wake() {
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

func (t *runtime) run(ctx context.Context) {
	defer close(t.done)
	defer t.following.Wait()
	defer t.live.Close()
	p := t.join(ctx)
	if p == nil {
		return
	}
	t.watch = p.watch
	t.watch.subscribe(t.spec.service.Service, t.changed)
	defer t.watch.unsubscribe(t.changed)
	t.wake()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.changed:
		case <-timer.C:
		}
		timer.Stop()
		if again := t.look(ctx); !again.IsZero() {
			timer.Reset(max(0, time.Until(again)))
		}
		pause(ctx, rest)
	}
}

// join waits until the project is known, which it is unless Docker's client has a problem. It returns nil at the end.
func (t *runtime) join(ctx context.Context) *project {
	for {
		p, err := t.runner.project(ctx, t.spec.Environ, t.spec.service.Project)
		if err == nil {
			return p
		}
		if ctx.Err() != nil {
			return nil
		}
		t.report(engine.Report{Phase: engine.Pending, Reason: waitEngine, Detail: err.Error()})
		pause(ctx, longestPause)
	}
}

// waitEngine is the reason of a service whose containers aren't known.
const waitEngine = "waiting-for-docker"

// look takes in the state of the service, and returns when to look again at the latest, zero for at the next change.
func (t *runtime) look(ctx context.Context) (again time.Time) {
	t.mu.Lock()
	if t.next != nil {
		if t.next.Output != nil {
			t.fresh = t.watch.ask() // Something may have changed that no event has told yet.
		}
		t.spec, t.next, t.due = *t.next, nil, true
	}
	t.mu.Unlock()
	now := time.Now()
	view := t.watch.view(t.spec.service.Service)
	if view.seen > 0 {
		t.follow(ctx, view)
	}
	if view.seen < t.fresh {
		if view.away != "" {
			t.reportAway(view.away)
		}
		return time.Time{}
	}
	if t.runner.busy(t.spec.key()) {
		return time.Time{} // What Compose does now is no news of the service.
	}
	s := situation{
		service: t.spec.service, containers: view.containers, skew: view.skew, ci: t.runner.options.CI,
		waits: t.runner.waits(t.spec.Task),
	}
	report := s.report()
	t.observeLive(view.containers, report.Phase >= engine.Ready)
	if view.away != "" {
		t.reportAway(view.away)
		return time.Time{}
	}
	if report.Phase == engine.Succeeded || report.Phase == engine.Failed {
		if t.held.IsZero() {
			t.held = now
		}
		if until := t.held.Add(patience); t.behind() && now.Before(until) {
			return until
		}
	}
	t.held = time.Time{}
	t.report(report)
	return time.Time{}
}

// reportAway reports the last known state, and why it may be out of date.
func (t *runtime) reportAway(away string) {
	report := engine.Report{Phase: engine.Pending, Reason: waitEngine}
	if t.reported != nil {
		report = *t.reported
	}
	report.Detail = away
	t.report(report)
}

func (t *runtime) report(report engine.Report) {
	if !t.due && t.reported != nil && *t.reported == report {
		return
	}
	t.reported, t.due = &report, false
	if t.spec.Report != nil {
		t.spec.Report(report)
	}
}

// follow follows the logs of the containers, and tells what has happened to them.
func (t *runtime) follow(ctx context.Context, v view) {
	there := map[string]bool{}
	for _, c := range v.containers {
		there[c.ID] = true
		f := t.followers[c.ID]
		if f == nil {
			f = newFollower(t.watch.client, t.spec.Log, c, v.began, t.prefix(c), t.wake)
			t.followers[c.ID] = f
			t.following.Go(func() { f.run(ctx) })
		}
		f.set(c)
		t.tell(c)
	}
	for id, f := range t.followers {
		if !there[id] {
			f.set(nil)
			delete(t.followers, id)
			delete(t.told, id)
		}
	}
}

// prefix is what the lines of a container begin with.
func (t *runtime) prefix(c *dockerapi.Container) string {
	if t.spec.service.Scale <= 1 {
		return ""
	}
	return fmt.Sprintf("[%s-%d] ", t.spec.service.Service, number(c))
}

// behind reports whether the log of a container that has ended wasn't read to its end.
func (t *runtime) behind() bool {
	for _, f := range t.followers {
		if f.behind() {
			return true
		}
	}
	return false
}
