// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	testingclock "k8s.io/utils/clock/testing"

	"tilt.dev/session/pkg/model"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A worker is a probe that runs with a fake clock.
type worker struct {
	t       *testing.T
	clock   *testingclock.FakeClock
	results chan Result
}

// newWorker runs a probe until the test ends.
func newWorker(t *testing.T, probe model.Probe) *worker {
	t.Helper()
	w := &worker{t: t, clock: testingclock.NewFakeClock(time.Now()), results: make(chan Result, 1)}
	prober := newProber(t)
	prober.Clock = w.clock
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { prober.Run(ctx, probe, func(r Result) { w.results <- r }) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return w
}

// result waits for the next one.
func (w *worker) result() Result {
	w.t.Helper()
	select {
	case r := <-w.results:
		return r
	case <-time.After(patience):
		w.t.Fatal("no result")
		return Result{}
	}
}

// quiet fails if there's a result already.
func (w *worker) quiet() {
	w.t.Helper()
	select {
	case r := <-w.results:
		w.t.Fatalf("got %+v", r)
	default:
	}
}

// advance moves the clock when as many timers and tickers run.
func (w *worker) advance(timers int, d time.Duration) {
	w.t.Helper()
	awaitTimers(w.t, w.clock, timers)
	w.clock.Step(d)
}

// awaitTimers waits until as many timers and tickers run.
func awaitTimers(t *testing.T, clock *testingclock.FakeClock, timers int) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for clock.Waiters() != timers {
		select {
		case <-deadline:
			t.Fatalf("%d timers run, want %d", clock.Waiters(), timers)
		case <-tick.C:
		}
	}
}

// The first check comes after the delay, others follow a period apart, and the thresholds decide.
func TestRun(t *testing.T) {
	var status atomic.Int32
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(int(status.Load()))
	}))
	defer server.Close()
	action := getAction(t, server, "/")
	w := newWorker(t, model.Probe{
		InitialDelay: 5 * time.Second, Period: 10 * time.Second, Timeout: time.Hour,
		SuccessThreshold: 1, FailureThreshold: 2, HTTPGet: &action,
	})
	ok, bad := "GET "+server.URL+"/: ok", "GET "+server.URL+"/: 500 Internal Server Error"
	status.Store(500)
	w.advance(1, 5*time.Second-1)
	w.advance(1, 1)
	for i, step := range []struct {
		status int32
		want   Result
	}{
		{500, Result{Output: bad}},
		{200, Result{Ready: true, Changed: true, Output: ok}},
		{200, Result{Ready: true, Output: ok}},
		{500, Result{Ready: true, Output: bad}},
		{500, Result{Changed: true, Output: bad}},
		{500, Result{Output: bad}},
		{200, Result{Ready: true, Changed: true, Output: ok}},
	} {
		if i > 0 {
			w.advance(1, 10*time.Second-1)
			w.quiet()
			status.Store(step.status)
			w.advance(1, 1)
		}
		if got := w.result(); got != step.want {
			t.Errorf("check %d: got %+v, want %+v", i, got, step.want)
		}
		if n := int(asked.Load()); n != i+1 {
			t.Errorf("%d checks, want %d", n, i+1)
		}
	}
}

// Without a delay the first check is made at once, with the clock standing still.
func TestRunAtOnce(t *testing.T) {
	probe := shell("exit 0")
	probe.Period, probe.Timeout, probe.SuccessThreshold, probe.FailureThreshold = time.Hour, time.Hour, 1, 1
	want := Result{Ready: true, Changed: true, Output: "exit status 0"}
	if got := newWorker(t, probe).result(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// A check that takes too long has failed, and the next one is made.
func TestRunTimesOut(t *testing.T) {
	probe := shell("sleep 300")
	probe.Period, probe.Timeout, probe.SuccessThreshold, probe.FailureThreshold = 10*time.Second, time.Second, 1, 2
	w := newWorker(t, probe)
	w.advance(2, time.Second)
	if got, want := w.result(), (Result{Output: "timed out after 1s"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	w.advance(1, 9*time.Second)
	w.advance(2, time.Second)
	if got, want := w.result(), (Result{Changed: true, Output: "timed out after 1s"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Results that say nothing are reported, and change nothing.
func TestRunWithoutResult(t *testing.T) {
	probe := model.Probe{
		Period: time.Second, Timeout: time.Hour, SuccessThreshold: 1, FailureThreshold: 1,
		Exec: &model.ExecAction{Argv: []string{"/nope/x"}},
	}
	w := newWorker(t, probe)
	for range 3 {
		if got, want := w.result(), (Result{Output: "fork/exec /nope/x: no such file or directory"}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		w.advance(1, time.Second)
	}
}

func TestRunEndsDuringTheDelay(t *testing.T) {
	w := newWorker(t, model.Probe{InitialDelay: time.Hour, Period: time.Hour})
	w.advance(1, time.Minute)
	w.quiet()
}

// The timer of a suspended process fires as soon as the process continues, maybe before it has read an answer.
func TestLateTimeout(t *testing.T) {
	for name, test := range map[string]struct {
		pass time.Duration
		// answered is true for a check that is answered after that time.
		answered bool
		want     outcome
	}{
		"in time, late look":  {time.Minute, true, passed},
		"no answer":           {time.Minute, false, failed},
		"no answer, in order": {time.Second, false, failed},
	} {
		t.Run(name, func(t *testing.T) {
			clock := testingclock.NewFakeClock(time.Now())
			prober := &Prober{Clock: clock}
			answer := make(chan struct{})
			waits := check{run: func(ctx context.Context) (outcome, string) {
				select {
				case <-answer:
					return passed, "ok"
				case <-ctx.Done():
					return failed, ctx.Err().Error()
				}
			}}
			got := make(chan outcome)
			go func() {
				o, _ := prober.once(t.Context(), waits, time.Second)
				got <- o
			}()
			awaitTimers(t, clock, 1)
			clock.Step(test.pass)
			late := test.pass > time.Second
			if late {
				awaitTimers(t, clock, 1) // for the second chance
			}
			switch {
			case test.answered:
				close(answer)
			case late:
				clock.Step(lateGrace)
			}
			select {
			case o := <-got:
				if o != test.want {
					t.Errorf("got %v, want %v", o, test.want)
				}
			case <-time.After(patience):
				t.Fatal("no outcome")
			}
		})
	}
}
