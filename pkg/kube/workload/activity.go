// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"fmt"
	"sync"
	"time"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/kube/workload/status"
	"tilt.dev/session/pkg/logs"
)

// patience is how long the report of an end waits for the logs of containers that have ended.
const patience = 3 * time.Second

// activity is the runtime of one resource. Its loop owns everything but what mu guards.
type activity struct {
	runner  *Runner
	cancel  context.CancelFunc
	changed chan struct{}
	done    chan struct{}

	mu   sync.Mutex
	next *spec // The spec to follow from now on, nil if that of the loop is the latest.
	spec spec
	// skew is by how much the clock of the cluster is ahead.
	skew   time.Duration
	feeds  map[feedKey]*feed
	mapped []object
	// reported is the last report on the current deploy, nil before. It is due again if a request followed that hasn't
	// got it.
	reported *engine.Report
	due      bool
	// held is since when a report waits for logs, zero if none does.
	held time.Time
	// told are the subjects of problems that the log has told.
	told map[string]bool

	events  *eventLog
	rollout *rollout
	logs    *podLogs
	ports   *forwarder
	live    *live
}

var _ engine.LiveUpdater = (*activity)(nil)

func newActivity(ctx context.Context, r *Runner, s spec, cancel context.CancelFunc) *activity {
	t := &activity{runner: r, cancel: cancel, live: newLive(ctx, r, s),
		changed: make(chan struct{}, 1), done: make(chan struct{}), spec: s,
		feeds: map[feedKey]*feed{}, told: map[string]bool{}}
	t.ports = newForwarder(r.feeds.connection)
	t.next = &s
	t.wake()
	return t
}

// PID implements engine.Activity.
func (t *activity) PID() int { return 0 }

// Done implements engine.Activity.
func (t *activity) Done() <-chan struct{} { return t.done }

// Ending implements engine.Activity.
func (t *activity) Ending() bool { return false }

// End implements engine.Activity.
func (t *activity) End() engine.End { return engine.End{} }

// Stop implements engine.Activity. Nothing in the cluster ends.
func (t *activity) Stop(time.Duration) { t.cancel() }

// StartLiveUpdate implements engine.LiveUpdater.
func (t *activity) StartLiveUpdate(request engine.LiveUpdateRequest) (engine.Activity, error) {
	return t.live.Start(request)
}

// Renew implements engine.Runtime.
func (t *activity) Renew(request engine.RuntimeRequest) bool {
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
	t.next = &s
	t.live.renew(s)
	t.wake()
	return true
}

func (t *activity) wake() {
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

// pause is the least time between two looks at the state, so that a burst of changes costs little.
const pause = 100 * time.Millisecond

func (t *activity) run(ctx context.Context) {
	defer close(t.done)
	since := t.runner.start(ctx)
	t.skew = since.Sub(t.runner.began)
	t.events = &eventLog{seen: map[eventKey]bool{}, since: since}
	t.rollout = newRollout(since)
	t.logs = newPodLogs(t.runner.feeds.connection, since, t.wake)
	defer func() {
		t.live.Close()
		t.logs.stop()
		t.ports.stop()
		for _, f := range t.feeds {
			t.runner.feeds.release(f, t.changed)
		}
	}()
	timer := time.NewTimer(0)
	defer timer.Stop()
	changed := t.changed
	var later time.Time // When to look again without a change.
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
			later = t.look(ctx)
			// Changes during the pause are seen at its end.
			changed = nil
			timer.Reset(pause)
		case <-timer.C:
			if changed == nil {
				changed = t.changed
				if !later.IsZero() {
					timer.Reset(max(0, time.Until(later)))
				}
				continue
			}
			later = t.look(ctx)
			changed = nil
			timer.Reset(pause)
		}
	}
}

// look takes in the state of the cluster, and returns when to look again at the latest, zero for at the next change.
func (t *activity) look(ctx context.Context) (again time.Time) {
	t.mu.Lock()
	if t.next != nil {
		if t.next.Output == nil {
			t.next.applied = t.spec.applied // Only the definition has changed.
		}
		if !t.next.applied.At.Equal(t.spec.applied.At) {
			t.reported = nil
		}
		t.spec, t.next, t.mapped, t.due = *t.next, nil, nil, true
	}
	t.mu.Unlock()
	now := time.Now()
	seen := t.observe(ctx, now)
	if ctx.Err() != nil {
		return time.Time{}
	}
	if !seen.again.IsZero() {
		again = seen.again
	}
	if !seen.known {
		report := engine.Report{Phase: engine.Pending, Reason: "waiting-for-cluster"}
		if t.reported != nil {
			report = *t.reported // That's the last known state.
		}
		if t.reported == nil || seen.away != "" {
			report.Detail = seen.away
			t.report(report)
		}
		return again
	}
	for _, line := range t.rollout.lines(seen.current) {
		t.spec.Log.Append(logs.LevelInfo, line)
	}
	t.logs.follow(ctx, t.spec.Log, seen.current, seen.pods)
	t.ports.update(ctx, t.spec.Log, t.spec.workload.PortForwards, seen.current)
	report, later := status.Of(seen.Input)
	t.observeLive(seen, report.Phase)
	later = t.toLocal(&report, later)
	if report.Phase >= engine.Succeeded && t.logs.behind() && (t.held.IsZero() || now.Sub(t.held) < patience) {
		if t.held.IsZero() {
			t.held = now
		}
		return earliest(again, t.held.Add(patience))
	}
	t.held = time.Time{}
	t.report(report)
	return earliest(again, later)
}

// toLocal has the times of a report that are compared with the clock of this machine be by that, as the returned one.
func (t *activity) toLocal(report *engine.Report, later time.Time) time.Time {
	if report.Start.Equal(t.spec.applied.At.Add(t.skew)) {
		report.Start = t.spec.applied.At
	}
	for _, at := range []*time.Time{&report.Unproven, &later} {
		if !at.IsZero() {
			*at = at.Add(-t.skew)
		}
	}
	return later
}

func (t *activity) report(report engine.Report) {
	if !t.due && t.reported != nil && *t.reported == report {
		return
	}
	t.reported, t.due = &report, false
	if t.spec.Report != nil {
		t.spec.Report(report)
	}
}

// tell logs what went wrong with a subject, once.
func (t *activity) tell(subject, format string, args ...any) {
	if !t.told[subject] {
		t.told[subject] = true
		t.spec.Log.Append(logs.LevelWarn, subject+": "+fmt.Sprintf(format, args...))
	}
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
