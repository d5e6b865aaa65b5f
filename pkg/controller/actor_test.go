// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/session"
)

// actor is a Run that follows a script instead of a Tiltfile.
type actor struct {
	// Requests has the methods that no test calls.
	Requests
	t        testing.TB
	session  *v1alpha1.Session
	onChange func(*engine.Snapshot)
	failFast chan bool
	tiltfile chan string
	// result ends the run before it's asked to; teardown is its result then.
	result   chan error
	teardown error
	// lingers, if set, keeps something of the run alive until it's closed.
	lingers chan struct{}
	// args are the arguments that the run is asked to follow.
	args     chan []string
	catchUps atomic.Int64
	ended    atomic.Bool

	mu   sync.Mutex
	snap engine.Snapshot
}

var _ Run = (*actor)(nil)

func newActor(t testing.TB, session *v1alpha1.Session, onChange func(*engine.Snapshot)) *actor {
	return &actor{
		t: t, session: session, onChange: onChange,
		failFast: make(chan bool, 10),
		tiltfile: make(chan string, 10),
		result:   make(chan error, 1),
		args:     make(chan []string, 10),
		snap: engine.Snapshot{PID: 42, StartTime: start,
			Tiltfile: engine.TiltfileState{Path: session.Spec.TiltfilePath}},
	}
}

func (a *actor) Run(ctx context.Context) error {
	defer a.ended.Store(true)
	select {
	case <-ctx.Done():
		if a.lingers != nil {
			<-a.lingers
		}
		return a.teardown
	case err := <-a.result:
		return err
	}
}

func (a *actor) SetFailFast(on bool) { a.failFast <- on }

// SetTiltfile only records the request: the test decides how the run reacts.
func (a *actor) SetTiltfile(_ context.Context, path string) error {
	a.tiltfile <- path
	return nil
}

// CatchUp has nothing to wait for: what happens is played.
func (a *actor) CatchUp(context.Context) error {
	a.catchUps.Add(1)
	return nil
}

// caughtUp reports whether CatchUp was called.
func (a *actor) caughtUp() bool { return a.catchUps.Load() > 0 }

// hasEnded reports whether the run has ended.
func (a *actor) hasEnded() bool { return a.ended.Load() }

// SetArgs only records the request, too.
func (a *actor) SetArgs(_ context.Context, args []string) (changed bool, err error) {
	a.args <- args
	return true, nil
}

func (a *actor) Snapshot() *engine.Snapshot {
	a.mu.Lock()
	defer a.mu.Unlock()
	snap := a.snap
	return &snap
}

// play changes the state of the run and reports it.
func (a *actor) play(change func(*engine.Snapshot)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	// What was reported before may not be changed.
	a.snap.Resources = slices.Clone(a.snap.Resources)
	change(&a.snap)
	a.snap.Version++
	snap := a.snap
	a.onChange(&snap)
}

// load ends an evaluation of the Tiltfile.
func (a *actor) load(ci *model.CISettings, resources ...engine.ResourceState) {
	a.play(func(snap *engine.Snapshot) {
		snap.Tiltfile.Running = time.Time{}
		snap.Tiltfile.Evaluations++
		snap.Tiltfile.Last = &engine.Exit{Start: start, Finish: start}
		snap.Tiltfile.CI = ci
		snap.Resources = resources
	})
}

// update changes the job of the i-th resource.
func (a *actor) update(i int, state *engine.UpdateState) {
	a.play(func(snap *engine.Snapshot) { snap.Resources[i].Update = state })
}

// The states of jobs and servers that these tests need.
var (
	waiting   = &engine.UpdateState{Hold: engine.HoldWaitingForLocal}
	running   = &engine.UpdateState{Running: start}
	succeeded = &engine.UpdateState{Last: &engine.Exit{Start: start, Finish: start}}
	failed    = &engine.UpdateState{Last: &engine.Exit{Start: start, Finish: start, Error: "it failed"}}

	starting = &engine.RuntimeState{Verb: "serve", Probed: true, Running: &engine.Running{PID: 9, Start: start}}
	ready    = &engine.RuntimeState{Verb: "serve", Probed: true, Running: &engine.Running{PID: 9, Start: start, Phase: engine.Ready, LastReady: start.Add(-time.Second)}}
)

func job(name string, state *engine.UpdateState) engine.ResourceState {
	return engine.ResourceState{Name: name, Update: state}
}

func server(name string, state *engine.RuntimeState) engine.ResourceState {
	return engine.ResourceState{Name: name, Runtime: state}
}

// newSession is a Session that is not stored.
func newSession(name string, condition v1alpha1.ExitCondition) *v1alpha1.Session {
	return &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{"tilt.dev/resource": "(Tiltfile)"}},
		Spec:       v1alpha1.SessionSpec{TiltfilePath: "/p/Tiltfile", ExitCondition: condition},
	}
}

// audience watches a Session from its creation on.
type audience struct {
	t     testing.TB
	watch watch.Interface
	// seen are the events so far.
	seen []watch.Event
}

// await reads events until one fits, and returns its Session.
func (a *audience) await(what string, fits func(watch.EventType, *v1alpha1.Session) bool) *v1alpha1.Session {
	a.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case event, open := <-a.watch.ResultChan():
			session, ok := event.Object.(*v1alpha1.Session)
			if !open || !ok {
				a.t.Fatalf("while awaiting %s the watch ended with %+v", what, event)
			}
			a.seen = append(a.seen, event)
			if fits(event.Type, session) {
				return session
			}
		case <-deadline:
			a.t.Fatalf("never seen: %s", what)
		}
	}
}

// awaitDone reads events until the Session is done.
func (a *audience) awaitDone() *v1alpha1.Session {
	a.t.Helper()
	return a.await("done", func(_ watch.EventType, s *v1alpha1.Session) bool { return s.Status.Done })
}

// awaitTargets reads events until the Session has so many targets.
func (a *audience) awaitTargets(n int) *v1alpha1.Session {
	a.t.Helper()
	return a.await("targets", func(_ watch.EventType, s *v1alpha1.Session) bool { return len(s.Status.Targets) == n })
}

// awaitPhase reads events until a target is in a phase.
func (a *audience) awaitPhase(target string, phase session.Phase) {
	a.t.Helper()
	a.await(phase.String()+" "+target, func(_ watch.EventType, s *v1alpha1.Session) bool {
		return slices.ContainsFunc(s.Status.Targets, func(t v1alpha1.Target) bool {
			return t.Name == target && session.PhaseOf(t.State) == phase
		})
	})
}

// awaitDeleted reads events until the Session is gone.
func (a *audience) awaitDeleted() {
	a.t.Helper()
	a.await("deletion", func(kind watch.EventType, _ *v1alpha1.Session) bool { return kind == watch.Deleted })
}
