// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/session"
)

// answer is a response with a Status.
func answer(code int, reason metav1.StatusReason) *http.Response {
	body, _ := json.Marshal(metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
		Status:   metav1.StatusFailure, Code: int32(code), Reason: reason, Message: "the storage is away",
	})
	return &http.Response{
		StatusCode: code, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)),
	}
}

// failures are the ways in which a storage doesn't take a write.
var failures = map[string]*metav1.Status{
	"500": {Code: 500, Reason: metav1.StatusReasonInternalError},
	"503": {Code: 503, Reason: metav1.StatusReasonServiceUnavailable},
	"504": {Code: 504, Reason: metav1.StatusReasonTimeout},
	"409": {Code: 409, Reason: metav1.StatusReasonConflict},
	"413": {Code: 413, Reason: metav1.StatusReasonRequestEntityTooLarge},
	"422": {Code: 422, Reason: metav1.StatusReasonInvalid},
}

// The requests that may fail: those that write a status, those that write anything, and all but watches.
func ofStatus(r *http.Request) bool {
	return r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/status")
}
func ofWriting(r *http.Request) bool  { return r.Method != http.MethodGet }
func butWatches(r *http.Request) bool { return !strings.Contains(r.URL.RawQuery, "watch=") }

// failFor answers the requests of a kind with a failure.
func failFor(requests func(*http.Request) bool, failure string) func(*http.Request) *http.Response {
	return func(r *http.Request) *http.Response {
		if !requests(r) {
			return nil
		}
		return answer(int(failures[failure].Code), failures[failure].Reason)
	}
}

// hang doesn't answer at all.
func hang(request *http.Request) *http.Response {
	if !ofStatus(request) {
		return nil
	}
	<-request.Context().Done()
	return answer(504, metav1.StatusReasonTimeout)
}

// A run that ends by itself has its verdict whatever is stored of it.
func TestVerdictWithoutStorage(t *testing.T) {
	limits := &model.CISettings{Timeout: new(time.Second)}
	for failure := range failures {
		for want, play := range map[session.Verdict]func(a *actor){
			session.Succeeded:    func(a *actor) { a.update(0, succeeded) },
			session.TargetFailed: func(a *actor) { a.update(0, failed) },
			session.Timeout:      func(*actor) {},
		} {
			t.Run(fmt.Sprint(failure, want), func(t *testing.T) {
				s := newStage(t, "Tiltfile")
				s.begin()
				_, a := s.perform(newSession("Tiltfile", v1alpha1.ExitConditionCI))
				s.setAnswer(failFor(ofStatus, failure))
				a.load(limits, job("a", running))
				play(a)
				s.passTime(10*time.Millisecond, func() bool { return len(s.finished) > 0 })
				done := s.awaitDone()
				if got := session.VerdictOf(done); got != want {
					t.Errorf("verdict %q: %s", got, done.Error)
				}
				if took := s.clock.Since(start); took > 10*time.Second {
					t.Errorf("the verdict took %v", took)
				}
				s.setAnswer(nil) // Its end is stored then.
			})
		}
	}
}

// The same goes for a storage that doesn't answer, for which no write waits longer
// than for what may be decided meanwhile.
func TestVerdictWhileStorageHangs(t *testing.T) {
	t.Parallel()
	s := newStage(t, "Tiltfile")
	began := time.Now()
	s.clock.SetTime(began) // which is when the run starts
	s.config.Clock = clock.RealClock{}
	s.begin()
	limited := newSession("Tiltfile", v1alpha1.ExitConditionCI)
	limited.Spec.CI = &v1alpha1.SessionCISpec{Timeout: &metav1.Duration{Duration: 2 * time.Second}}
	_, a := s.perform(limited)
	s.setAnswer(hang)
	defer s.setAnswer(nil)
	a.load(&model.CISettings{}, job("a", running))
	done := s.awaitDone()
	if got := session.VerdictOf(done); got != session.Timeout {
		t.Errorf("verdict %q: %s", got, done.Error)
	}
	if took := time.Since(began); took > 2*verdictPatience {
		t.Errorf("the verdict took %v", took)
	}
}

// Nothing else that fails keeps a run from its verdict either.
func TestVerdictWhileEveryRequestFails(t *testing.T) {
	for name, test := range map[string]struct {
		requests func(*http.Request) bool
		// change is made by a user while they fail.
		change func(s *stage) error
	}{
		"its finalizer is removed": {ofWriting, func(s *stage) error {
			_, err := s.client.Patch(s.t.Context(), "Tiltfile", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
			return err
		}},
		"its Tiltfile is evaluated": {butWatches, func(*stage) error { return nil }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, "Tiltfile")
			_, a := performCI(s)
			s.setAnswer(failFor(test.requests, "503"))
			if err := test.change(s); err != nil {
				t.Fatal(err)
			}
			a.load(&model.CISettings{Timeout: new(time.Hour)}, job("a", failed))
			s.passTime(10*time.Millisecond, func() bool { return len(s.finished) > 0 })
			if got := session.VerdictOf(s.awaitDone()); got != session.TargetFailed {
				t.Errorf("verdict %q", got)
			}
			s.setAnswer(nil)
		})
	}
}

// What others have written into the status meanwhile stays there.
func TestVerdictKeepsForeignConditions(t *testing.T) {
	s := newStage(t, "Tiltfile")
	seen, a := performCI(s)
	s.onStatusWrite(func(n int64) *http.Response {
		if n == 1 {
			stored := s.get("Tiltfile")
			stored.Status.Conditions = append(stored.Status.Conditions, metav1.Condition{
				Type: "example.com/Reviewed", Status: metav1.ConditionTrue, Reason: "R", LastTransitionTime: metav1.Now(),
			})
			if _, err := s.client.UpdateStatus(t.Context(), stored, metav1.UpdateOptions{}); err != nil {
				t.Error(err)
			}
		}
		return nil
	})
	a.update(0, failed)
	if done := seen.awaitDone(); meta.FindStatusCondition(done.Status.Conditions, "example.com/Reviewed") == nil {
		t.Errorf("conditions: %+v", done.Status.Conditions)
	}
}

// The end of the server isn't a part of the second that a server has to live.
func TestNoSuccessDuringTheEnd(t *testing.T) {
	s := newStage(t, "a")
	s.begin()
	seen, a := s.perform(newSession("a", v1alpha1.ExitConditionCI))
	unprobed := *ready
	unprobed.Probed = false
	a.load(&model.CISettings{}, server("a", &unprobed))
	seen.awaitTargets(2)
	a.lingers = make(chan struct{})
	s.stop()
	s.clock.Step(time.Minute)
	close(a.lingers)
	if err := s.end(); err != nil {
		t.Error(err)
	}
	if got := session.VerdictOf(s.get("a").Status); got != session.Interrupted {
		t.Errorf("verdict %q", got)
	}
}

// A verdict that can't be stored ends the run, and is stored as soon as it can be.
func TestVerdictIsStoredLater(t *testing.T) {
	t.Parallel()
	s := newStage(t, "a")
	s.config.Clock = clock.RealClock{}
	s.begin()
	seen, a := s.perform(newSession("a", v1alpha1.ExitConditionCI))
	a.play(func(snap *engine.Snapshot) { snap.StartTime = time.Now() })
	a.load(&model.CISettings{}, job("a", running))
	seen.awaitTargets(2)
	s.setAnswer(failFor(ofStatus, "503"))
	a.update(0, failed)
	if got := session.VerdictOf(s.awaitDone()); got != session.TargetFailed {
		t.Errorf("verdict %q", got)
	}
	eventually(t, func() bool { return a.hasEnded() })
	if s.get("a").Status.Done {
		t.Fatal("what can't be stored is stored")
	}
	s.setAnswer(nil)
	if done := seen.awaitDone(); session.VerdictOf(done.Status) != session.TargetFailed {
		t.Errorf("verdict %q is stored", session.VerdictOf(done.Status))
	}
}

// What is refused for its content isn't sent again as it is.
func TestRefusedStatusIsNotRepeated(t *testing.T) {
	s := newStage(t, "Tiltfile")
	s.begin()
	_, a := s.perform(newSession("Tiltfile", v1alpha1.ExitConditionManual))
	s.setAnswer(failFor(ofStatus, "422"))
	begun := s.statusWrites.Load()
	a.load(&model.CISettings{}, job("a", running))
	eventually(t, func() bool { return s.statusWrites.Load() > begun })
	before := s.statusWrites.Load()
	for range 20 {
		s.controller.queue.Add("Tiltfile")
		s.passTime(time.Second, func() bool { return s.controller.queue.Len() == 0 })
	}
	a.update(0, succeeded)
	eventually(t, func() bool { return s.statusWrites.Load() > before })
	if n := s.statusWrites.Load() - before; n > 2 {
		t.Errorf("the same status was sent %d times", n)
	}
}

// A status that's too large for its storage is stored in part, and the verdict is whole.
func TestLargeStatus(t *testing.T) {
	s := newStage(t, "Tiltfile")
	const most = 300 << 10
	sent := map[int64]int{}
	s.setAnswer(func(r *http.Request) *http.Response {
		if !ofStatus(r) || r.ContentLength <= most {
			return nil
		}
		sent[r.ContentLength]++
		return answer(http.StatusRequestEntityTooLarge, metav1.StatusReasonRequestEntityTooLarge)
	})
	s.begin()
	seen, a := s.perform(newSession("Tiltfile", v1alpha1.ExitConditionCI))
	resources := make([]engine.ResourceState, 2000)
	for i := range resources {
		resources[i] = job(fmt.Sprintf("job-%05d", i), succeeded)
	}
	resources[7].Update = &engine.UpdateState{Last: &engine.Exit{Start: start, Finish: start, Error: strings.Repeat("x", 20<<20)}}
	a.load(&model.CISettings{}, resources...)
	if done := s.awaitDone(); len(done.Targets) != 2001 || session.VerdictOf(done) != session.TargetFailed {
		t.Errorf("%d targets, verdict %q", len(done.Targets), session.VerdictOf(done))
	}
	stored := seen.awaitDone()
	truncated := meta.FindStatusCondition(stored.Status.Conditions, v1alpha1.SessionConditionTruncated)
	if truncated == nil || truncated.Status != metav1.ConditionTrue {
		t.Fatal("nothing says that the status isn't whole")
	}
	if session.VerdictOf(stored.Status) != session.TargetFailed || session.Failures(stored.Status)[0].Name != "job-00007:update" {
		t.Errorf("the failure isn't stored: %s", truncated.Message)
	}
	if n := len(stored.Status.Targets); n < 500 || n >= 2000 {
		t.Errorf("%d targets are stored", n)
	}
	for size, times := range sent {
		if times > 1 {
			t.Errorf("a status of %d bytes was sent %d times", size, times)
		}
	}
}

// What has happened by the time of a late look counts, whatever time has passed.
func TestLateLook(t *testing.T) {
	never := &engine.RuntimeState{Verb: "serve", Probed: true, Running: &engine.Running{PID: 9, Start: start}}
	for name, test := range map[string]struct {
		limits    model.CISettings
		resource  engine.ResourceState
		meanwhile func(a *actor)
		want      session.Verdict
	}{
		"a job succeeds in time": {
			model.CISettings{Timeout: new(3 * time.Second)}, job("a", running),
			func(a *actor) { a.update(0, succeeded) }, session.Succeeded,
		},
		"a job never ends": {
			model.CISettings{Timeout: new(3 * time.Second)}, job("a", running), func(*actor) {}, session.Timeout,
		},
		"a server gets ready": {
			model.CISettings{ReadinessTimeout: new(3 * time.Second)}, server("a", never),
			func(a *actor) { a.play(func(snap *engine.Snapshot) { snap.Resources[0].Runtime = ready }) }, session.Succeeded,
		},
		"a server never gets ready": {
			model.CISettings{ReadinessTimeout: new(3 * time.Second)}, server("a", never), func(*actor) {}, session.ReadinessTimeout,
		},
		"a server ends while it settles": {
			model.CISettings{Settle: new(3 * time.Second)}, server("a", ready),
			func(a *actor) {
				a.play(func(snap *engine.Snapshot) {
					snap.Resources[0].Runtime = &engine.RuntimeState{Verb: "serve", Exit: &engine.Exit{Start: start, Finish: start, Error: "it ended"}}
				})
			}, session.TargetFailed,
		},
		"a server settles": {
			model.CISettings{Settle: new(3 * time.Second)}, server("a", ready), func(*actor) {}, session.Succeeded,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, "Tiltfile")
			s.begin()
			seen, a := s.perform(newSession("Tiltfile", v1alpha1.ExitConditionCI))
			a.load(&test.limits, test.resource)
			seen.awaitTargets(2)
			// The process was stopped, and this is when it goes on: first the timers fire.
			s.clock.Step(time.Minute)
			eventually(t, func() bool { return a.caughtUp() })
			test.meanwhile(a)
			s.passTime(10*time.Millisecond, func() bool { return len(s.finished) > 0 })
			if done := s.awaitDone(); session.VerdictOf(done) != test.want {
				t.Errorf("verdict %q: %s", session.VerdictOf(done), done.Error)
			}
		})
	}
}

// A Session whose start was stored although the response was lost is run by the process that stored it. It doesn't count
// as interrupted by the end of a server.
func TestStartWithoutResponse(t *testing.T) {
	s := newStage(t, "a")
	var heard atomic.Bool
	s.afterResponse = func(r *http.Request) *http.Response {
		if !ofStatus(r) || heard.Swap(true) {
			return nil
		}
		return answer(504, metav1.StatusReasonTimeout)
	}
	s.begin()
	seen := s.create(newSession("a", v1alpha1.ExitConditionCI))
	first := s.actor("a")
	eventually(t, func() bool { return heard.Load() })
	s.passTime(10*time.Millisecond, func() bool { return s.controller.runs.get("a") != nil })
	second := s.controller.runs.get("a").control.(*actor)
	if first == second || first.hasEnded() {
		t.Error("the first run has begun")
	}
	second.load(&model.CISettings{}, job("a", succeeded))
	if done := seen.awaitDone(); session.VerdictOf(done.Status) != session.Succeeded {
		t.Errorf("verdict %q: %s", session.VerdictOf(done.Status), done.Status.Error)
	}
}
