// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/view"
)

// quietRun is a run that knows its log.
type quietRun struct {
	*engine.Engine
	log *logs.Store
}

func (r quietRun) Logs() *logs.Store             { return r.log }
func (r quietRun) CatchUp(context.Context) error { return nil }

// The end of a target is printed after its last line and before the first line after that, wherever the snapshot comes;
// a silent run says what it waits for, and again after longer and longer times.
func TestPrinting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		log := logs.New(1<<20, clock.RealClock{})
		snaps := &snapshots{wake: make(chan struct{}, 1)}
		var out bytes.Buffer
		p := &printing{
			snapshots: snaps, clock: clock.RealClock{},
			lines: people{logs.NewPrinter(&out, logs.Style{}), view.Style{}},
		}
		printed := make(chan error, 1)
		go func() { printed <- p.print(t.Context(), log) }()
		synctest.Wait()

		resource := engine.ResourceState{Name: "a", Spec: &model.Resource{Name: "a"}, Update: &engine.UpdateState{Running: began}}
		state := func(r engine.ResourceState) {
			snaps.add(quietRun{log: log}, &engine.Snapshot{Resources: []engine.ResourceState{r}})
		}
		state(resource)
		log.Append("a", logs.LevelInfo, "\nRunning cmd: make\nout")
		synctest.Wait()
		time.Sleep(4 * time.Minute) // It says so after 1 and 3 minutes.
		log.Append("a", logs.LevelInfo, "last")
		end := log.Next()
		log.Append("a", logs.LevelInfo, "Running cmd: serve")
		resource.Update = &engine.UpdateState{
			Last:    &engine.Exit{Start: began, Finish: time.Now()},
			History: &engine.History{Ended: []*engine.Build{{EndLine: end}}},
		}
		state(resource)
		log.Close()
		if err := <-printed; err != nil {
			t.Error(err)
		}
		want := "a │ ▶ run: make\na │ out\nstill waiting: a (running 1m0s)\nstill waiting: a (running 3m0s)\n" +
			"a │ last\na │ ✓ succeeded in 4m0s\na │ ▶ run: serve\n"
		if got := strings.ReplaceAll(out.String(), "            a", "a"); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// Of lines that a slow reader hasn't got when the run has to end, no more are printed.
func TestPrintingBehind(t *testing.T) {
	log := logs.New(1<<20, clock.RealClock{})
	for range 3 {
		log.Append("a", logs.LevelInfo, strings.Repeat("x", 1<<16))
	}
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	slow := writerFunc(func(b []byte) (int, error) {
		cancel()
		return out.Write(b)
	})
	p := &printing{
		snapshots: &snapshots{wake: make(chan struct{}, 1)}, clock: clock.RealClock{},
		lines: people{logs.NewPrinter(hasty{ctx, slow}, logs.Style{}), view.Style{}},
	}
	if err := p.print(ctx, log); !errors.Is(err, errBehind) {
		t.Errorf("got error %v", err)
	}
	if got := strings.Count(out.String(), "\n"); got != 1 {
		t.Errorf("%d lines were printed", got)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
