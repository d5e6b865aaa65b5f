// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/probe"
	"tilt.dev/session/pkg/process"
)

// world is an engine whose Tiltfile, processes and probes are played by the
// test, in a synctest bubble. A process is named like the target that it runs
// for.
type world struct {
	t      *testing.T
	engine *Engine
	logs   *logs.Store
	cancel context.CancelFunc
	// ended is closed when Run has returned.
	ended chan struct{}

	mu        sync.Mutex
	evaluate  chan struct{}
	project   model.Project
	err       error
	started   []string
	specs     map[string]process.Spec
	processes map[string]*fakeProcess
	// gates hold back launches, refusals make them fail.
	gates    map[string]chan struct{}
	refusals map[string]error
	stubborn map[string]bool
	// script is called with each launched process, and probeScript instead of
	// waiting for the test to report. Both may be nil.
	script      func(target string, p *fakeProcess)
	probeScript func(ctx context.Context, resource string, report func(probe.Result))
	reports     map[string]func(probe.Result)
	probing     int
	snapshots   []*Snapshot
}

// play runs an engine for a project, and a story with it.
func play(t *testing.T, project model.Project, story func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, project)
		w.run(Config{})
		story(w)
		w.stop()
	})
}

func newWorld(t *testing.T, project model.Project) *world {
	return &world{
		t:         t,
		logs:      logs.New(1<<20, clockwork.NewRealClock()),
		ended:     make(chan struct{}),
		project:   project,
		specs:     map[string]process.Spec{},
		processes: map[string]*fakeProcess{},
		gates:     map[string]chan struct{}{},
		refusals:  map[string]error{},
		stubborn:  map[string]bool{},
		reports:   map[string]func(probe.Result){},
	}
}

func (w *world) run(config Config) {
	config.Tiltfile = "/project/Tiltfile"
	config.Load = w
	config.Start = w.launch
	config.Probe = w.probe
	config.Logs = w.logs
	config.OnChange = func(s *Snapshot) { w.snapshots = append(w.snapshots, s) }
	w.engine = New(config)
	ctx, cancel := context.WithCancel(w.t.Context())
	w.cancel = cancel
	go func() {
		defer close(w.ended)
		if err := w.engine.Run(ctx); err != nil {
			w.t.Error(err)
		}
	}()
}

// stop ends the run and waits for it.
func (w *world) stop() {
	w.cancel()
	<-w.ended
}

var _ Loader = (*world)(nil)

func (w *world) Load(ctx context.Context, _ LoadInput) (model.Project, error) {
	if w.evaluate != nil {
		select {
		case <-w.evaluate:
		case <-ctx.Done():
			return model.Project{}, ctx.Err()
		}
	}
	return w.project, w.err
}

func (w *world) launch(spec process.Spec) (Process, error) {
	name := strings.Join(spec.Argv, ":")
	w.mu.Lock()
	gate := w.gates[name]
	w.mu.Unlock()
	if gate != nil {
		<-gate
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.refusals[name]; err != nil {
		return nil, err
	}
	w.started = append(w.started, name)
	w.specs[name] = spec
	p := &fakeProcess{pid: 100 + len(w.started), stubborn: w.stubborn[name], done: make(chan struct{})}
	w.processes[name] = p
	if w.script != nil {
		w.script(name, p)
	}
	return p, nil
}

// probe is named by the only word of its command.
func (w *world) probe(ctx context.Context, p model.Probe, report func(probe.Result)) {
	if w.probeScript != nil {
		w.probeScript(ctx, p.Exec.Argv[0], report)
		return
	}
	w.mu.Lock()
	w.reports[p.Exec.Argv[0]] = report
	w.probing++
	w.mu.Unlock()
	<-ctx.Done()
	w.mu.Lock()
	w.probing--
	w.mu.Unlock()
}

// gate makes launches of a target wait for the returned channel to be closed.
func (w *world) gate(target string) chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	gate := make(chan struct{})
	w.gates[target] = gate
	return gate
}

// process returns the process of a target, which must have been launched.
func (w *world) process(target string) *fakeProcess {
	w.t.Helper()
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.processes[target]
	if p == nil {
		w.t.Fatalf("%s was not launched", target)
	}
	return p
}

func (w *world) exit(target string, code int) {
	w.t.Helper()
	w.process(target).end(process.Exit{Code: code})
}

func (w *world) report(resource string, ready bool, text string) {
	w.t.Helper()
	synctest.Wait()
	w.mu.Lock()
	report := w.reports[resource]
	w.mu.Unlock()
	if report == nil {
		w.t.Fatalf("%s isn't probed", resource)
	}
	report(probe.Result{Ready: ready, Output: text})
}

// want waits until nothing happens any more and compares the state.
func (w *world) want(want string) {
	w.t.Helper()
	synctest.Wait()
	if diff := cmp.Diff(want, show(w.engine.Snapshot())); diff != "" {
		w.t.Fatalf("state (-want +got):\n%s", diff)
	}
}

// wantLog compares the lines of a source, joined by "|".
func (w *world) wantLog(source, want string) {
	w.t.Helper()
	synctest.Wait()
	var lines []string
	for _, line := range w.logs.Tail(source, 100) {
		text := line.Text
		if line.Level == logs.LevelError {
			text = "ERROR: " + text
		}
		lines = append(lines, text)
	}
	if diff := cmp.Diff(want, strings.Join(lines, "|")); diff != "" {
		w.t.Errorf("log of %s (-want +got):\n%s", source, diff)
	}
}

// wantStarted compares what was launched so far, in any order.
func (w *world) wantStarted(want ...string) {
	w.t.Helper()
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(w.started))); diff != "" {
		w.t.Errorf("launched (-want +got):\n%s", diff)
	}
}

func (w *world) resource(name string) ResourceState {
	w.t.Helper()
	synctest.Wait()
	resources := w.engine.Snapshot().Resources
	i := slices.IndexFunc(resources, func(r ResourceState) bool { return r.Name == name })
	if i < 0 {
		w.t.Fatalf("no resource %s", name)
	}
	return resources[i]
}

// do makes sure that a request was accepted.
func (w *world) do(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}
