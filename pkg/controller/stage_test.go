// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	testingclock "k8s.io/utils/clock/testing"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	clientv1alpha1 "tilt.dev/session/pkg/generated/clientset/versioned/typed/core/v1alpha1"
	"tilt.dev/session/pkg/model"
	testserver "tilt.dev/session/pkg/testing/server"
)

func TestMain(m *testing.M) {
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("k8s.io/klog/v2.(*flushDaemon).run.func1"),
		// Each consistent read from the server's watch cache leaves one for three seconds.
		goleak.IgnoreTopFunction("k8s.io/apiserver/pkg/storage/cacher.(*watchCache).waitUntilFreshAndBlock.func2"),
	)
}

// patience bounds every wait of these tests.
const patience = 30 * time.Second

// start is when the runs of these tests begin, on a clock that stands still
// unless a test moves it: what's published without that wasn't delayed.
var start = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// stage is a running Controller at a real server, with scripted runs.
type stage struct {
	t      testing.TB
	server *testserver.Server
	client clientv1alpha1.SessionInterface
	clock  *testingclock.FakeClock
	config Config

	controller *Controller
	// actors has the run of each Session once it's started.
	actors map[string]chan *actor
	// finished has what Finished was called with.
	finished chan Outcome
	// statusWrites counts what the Controller sends to sessions/status.
	statusWrites atomic.Int64
	// answer, if set, may answer what the Controller sends in the server's place.
	answer   func(*http.Request) *http.Response
	answerMu sync.Mutex
	// beforeRequest, if set, is called before anything is sent.
	beforeRequest func(*http.Request)
	// afterRequest, if set, is called when it's answered.
	afterRequest func(*http.Request)
	// afterResponse, if set, may replace the answer to it.
	afterResponse func(*http.Request) *http.Response
	// requests counts all that the Controller sends; once dead, nothing is sent.
	requests atomic.Int64
	dead     atomic.Bool

	stop  context.CancelFunc
	ended chan error
}

// newStage prepares a stage; a test may change its config before it begins.
func newStage(t testing.TB, sessions ...string) *stage {
	return newStageAt(t, testserver.Start(t), sessions...)
}

func newStageAt(t testing.TB, server *testserver.Server, sessions ...string) *stage {
	s := &stage{
		t:        t,
		server:   server,
		clock:    testingclock.NewFakeClock(start),
		actors:   map[string]chan *actor{},
		finished: make(chan Outcome, 100),
		ended:    make(chan error, 1),
	}
	s.client = s.server.Clientset(t).TiltV1alpha1().Sessions()
	for _, name := range sessions {
		s.actors[name] = make(chan *actor, 10)
	}
	s.config = Config{
		ClientConfig: s.server.LoopbackClientConfig(),
		Runs:         func(session *v1alpha1.Session) bool { return s.actors[session.Name] != nil },
		NewRun: func(session *v1alpha1.Session, onChange func(*engine.Snapshot)) Run {
			a := newActor(t, session, onChange)
			a.snap.StartTime = s.clock.Now()
			s.actors[session.Name] <- a
			return a
		},
		Running:  NewRunning(),
		Finished: func(end Outcome) { s.finished <- end },
		Clock:    s.clock,
	}
	s.config.ClientConfig.Wrap(func(next http.RoundTripper) http.RoundTripper { return tap{s, next} })
	return s
}

// tap is the Controller's way to the server.
type tap struct {
	stage *stage
	next  http.RoundTripper
}

func (tap tap) RoundTrip(request *http.Request) (*http.Response, error) {
	if tap.stage.dead.Load() {
		return nil, errDead
	}
	tap.stage.requests.Add(1)
	if before := tap.stage.beforeRequest; before != nil {
		before(request)
	}
	if ofStatus(request) {
		tap.stage.statusWrites.Add(1)
	}
	tap.stage.answerMu.Lock()
	answer := tap.stage.answer
	tap.stage.answerMu.Unlock()
	if answer != nil {
		if response := answer(request); response != nil {
			return response, nil
		}
	}
	response, err := tap.next.RoundTrip(request)
	if after := tap.stage.afterResponse; after != nil && err == nil {
		if other := after(request); other != nil {
			_ = response.Body.Close()
			response = other
		}
	}
	if after := tap.stage.afterRequest; after != nil {
		after(request)
	}
	return response, err
}

func (s *stage) setAnswer(answer func(*http.Request) *http.Response) {
	s.answerMu.Lock()
	defer s.answerMu.Unlock()
	s.answer = answer
}

// onStatusWrite calls before with the number of each write of a status from now on, before
// it is sent; a response that it returns is the answer.
func (s *stage) onStatusWrite(before func(n int64) *http.Response) {
	var n atomic.Int64
	s.setAnswer(func(request *http.Request) *http.Response {
		if !ofStatus(request) {
			return nil
		}
		return before(n.Add(1))
	})
}

// begin runs the Controller until the end of the test, when it fails unless the Controller ends well.
func (s *stage) begin() {
	s.t.Helper()
	controller, err := New(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	s.controller = controller
	ctx, stop := context.WithCancel(context.WithoutCancel(s.t.Context()))
	s.stop = stop
	go func() { s.ended <- controller.Run(ctx) }()
	s.t.Cleanup(func() {
		if err := s.end(); err != nil {
			s.t.Errorf("the controller ended with: %v", err)
		}
	})
}

// end stops the Controller and returns what Run returned, the first time.
func (s *stage) end() error {
	s.t.Helper()
	s.stop()
	select {
	case err, open := <-s.ended:
		if open {
			close(s.ended)
		}
		return err
	case <-time.After(patience):
		s.t.Fatal("the controller doesn't end")
		return nil
	}
}

// create stores a Session, and watches what becomes of it.
func (s *stage) create(session *v1alpha1.Session) *audience {
	s.t.Helper()
	created, err := s.client.Create(s.t.Context(), session, metav1.CreateOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	w, err := s.client.Watch(s.t.Context(), metav1.ListOptions{
		ResourceVersion: created.ResourceVersion, FieldSelector: "metadata.name=" + created.Name,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(w.Stop)
	return &audience{t: s.t, watch: w}
}

// actor waits for the run of a Session to start.
func (s *stage) actor(name string) *actor {
	s.t.Helper()
	select {
	case a := <-s.actors[name]:
		return a
	case <-time.After(patience):
		s.t.Fatalf("Session %s isn't run", name)
		return nil
	}
}

// perform stores a Session and waits until its run has started.
func (s *stage) perform(session *v1alpha1.Session) (*audience, *actor) {
	s.t.Helper()
	seen := s.create(session)
	a := s.actor(session.Name)
	eventually(s.t, func() bool { return s.controller.runs.get(session.Name) != nil })
	return seen, a
}

// performCI begins and performs a ci Session with one job that runs.
func performCI(s *stage) (*audience, *actor) {
	s.t.Helper()
	s.begin()
	seen, a := s.perform(newSession("Tiltfile", v1alpha1.ExitConditionCI))
	a.load(&model.CISettings{}, job("a", running))
	seen.awaitTargets(2)
	return seen, a
}

// awaitFinished is the next end that Finished is called with.
func (s *stage) awaitFinished() Outcome {
	s.t.Helper()
	select {
	case end := <-s.finished:
		return end
	case <-time.After(patience):
		s.t.Fatal("Finished isn't called")
		return Outcome{}
	}
}

// awaitDone is the status of the next end, which is a verdict.
func (s *stage) awaitDone() v1alpha1.SessionStatus {
	s.t.Helper()
	end := s.awaitFinished()
	if end.Deleted || !end.Session.Status.Done {
		s.t.Fatalf("the end is no verdict: %+v", end)
	}
	return end.Session.Status
}

// get is the stored Session, nil if there's none.
func (s *stage) get(name string) *v1alpha1.Session {
	s.t.Helper()
	stored, err := s.client.Get(s.t.Context(), name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		s.t.Fatal(err)
	}
	return stored
}

// awaitStored polls the stored Session until it fits.
func (s *stage) awaitStored(name string, fits func(*v1alpha1.Session) bool) *v1alpha1.Session {
	s.t.Helper()
	var stored *v1alpha1.Session
	eventually(s.t, func() bool {
		stored = s.get(name)
		return fits(stored)
	})
	return stored
}

func released(s *v1alpha1.Session) bool { return s != nil && !held(s) }

func gone(s *v1alpha1.Session) bool { return s == nil }

// awaitEnded waits until the Session isn't run any more, and nothing is left to be done about it.
func (s *stage) awaitEnded(name string) {
	s.t.Helper()
	eventually(s.t, func() bool { return s.controller.runs.get(name) == nil })
	s.reconciled()
}

// reconciled waits until the Controller has taken up all that has happened.
func (s *stage) reconciled() {
	s.t.Helper()
	stored, err := s.client.List(s.t.Context(), metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	eventually(s.t, func() bool {
		known := 0
		for _, session := range stored.Items {
			if seen, err := s.controller.sessions.Get(session.Name); err == nil && !newer(&session, seen) {
				known++
			}
		}
		return known == len(stored.Items) && s.controller.queue.Len() == 0
	})
}

// delete deletes a Session as a user does.
func (s *stage) delete(name string) {
	s.t.Helper()
	if err := s.client.Delete(s.t.Context(), name, metav1.DeleteOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

// passTime moves the clock by step until cond holds.
func (s *stage) passTime(step time.Duration, cond func() bool) {
	s.t.Helper()
	eventually(s.t, func() bool {
		s.clock.Step(step)
		return cond()
	})
}

// eventually polls until cond holds.
func eventually(t testing.TB, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("what was expected doesn't happen")
		}
	}
}
