// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/probe"
	"tilt.dev/session/pkg/process"
)

// world is an engine whose Tiltfile, processes and probes are played by the test, in a synctest bubble. A process
// is named like the target that it runs for.
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
	// performances are the builds, deploys and workloads.
	performances map[string]*performance
	// perform is called with each performance. It may be nil.
	perform func(target string, d *performance)
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
	watches     []*fakeWatch
	watchError  error
	unwatched   bool
	loads       []LoadInput
	snapshots   []*Snapshot
	// onChange is called by the loop with each snapshot. It may be nil.
	onChange func(*Snapshot)
}

// fakeWatch is a running watch.
type fakeWatch struct {
	model.Watch
	report func([]model.Change)
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

// playGated does so with a target that isn't launched before open is called.
func playGated(t *testing.T, project model.Project, target string, story func(w *world, open func())) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, project)
		gate := w.gate(target)
		w.run(Config{})
		story(w, func() { close(gate) })
		w.stop()
	})
}

func newWorld(t *testing.T, project model.Project) *world {
	return &world{
		t:         t,
		logs:      logs.New(1<<20, clock.RealClock{}),
		ended:     make(chan struct{}),
		project:   project,
		specs:     map[string]process.Spec{},
		processes: map[string]*fakeProcess{},

		performances: map[string]*performance{},
		gates:        map[string]chan struct{}{},
		refusals:     map[string]error{},
		stubborn:     map[string]bool{},
		reports:      map[string]func(probe.Result){},
	}
}

func (w *world) run(config Config) {
	config.Tiltfile = "/project/Tiltfile"
	config.Load = w
	config.Updates, config.Runtimes = played{w}, played{w}
	if !w.unwatched {
		config.Watch = w.watch
	}
	config.Logs = w.logs
	config.OnChange = func(s *Snapshot) {
		w.snapshots = append(w.snapshots, s)
		checkBuilds(w.t, s)
		if w.onChange != nil {
			w.onChange(s)
		}
	}
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

func (w *world) Load(ctx context.Context, in LoadInput) (model.Project, error) {
	w.loads = append(w.loads, in)
	if w.evaluate != nil {
		select {
		case <-w.evaluate:
		case <-ctx.Done():
			return model.Project{}, ctx.Err()
		}
	}
	return w.project, w.err
}

func (w *world) launch(spec process.Spec) (*fakeProcess, error) {
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
	p.output, _ = spec.Output.(io.Closer)
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

func (w *world) watch(ctx context.Context, watch model.Watch, report func([]model.Change)) error {
	if w.watchError != nil {
		return w.watchError
	}
	f := &fakeWatch{watch, report}
	w.mu.Lock()
	w.watches = append(w.watches, f)
	w.mu.Unlock()
	<-ctx.Done()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.watches = slices.DeleteFunc(w.watches, func(other *fakeWatch) bool { return other == f })
	return nil
}

// edit changes files a moment after all earlier events, and reports the changes at once.
func (w *world) edit(paths ...string) {
	w.t.Helper()
	time.Sleep(time.Microsecond)
	now := time.Now()
	for _, path := range paths {
		w.notice(model.Change{Path: path, Seen: now, Modified: now})
	}
	synctest.Wait()
}

// notice reports a change to every watch of the file or its directory.
func (w *world) notice(c model.Change) {
	w.t.Helper()
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.watches {
		if slices.Contains(f.Paths, c.Path) || slices.Contains(f.Paths, filepath.Dir(c.Path)) {
			f.report([]model.Change{c})
		}
	}
}

// watched lists the paths of all watches, sorted.
func (w *world) watched() string {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []string
	for _, f := range w.watches {
		all = append(all, strings.Join(f.Paths, "+"))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// reload replaces what the Tiltfile says and edits it.
func (w *world) reload(project model.Project) {
	w.t.Helper()
	synctest.Wait()
	w.project, w.err = project, nil
	w.edit("/project/Tiltfile")
}

// trigger asks for an execution.
func (w *world) trigger(names ...string) {
	w.t.Helper()
	synctest.Wait()
	w.do(w.engine.Trigger(w.t.Context(), names))
}

// launches counts the launches of a target.
func (w *world) launches(target string) int {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, name := range w.started {
		if name == target {
			n++
		}
	}
	return n
}

// wantShown compares what was published of a target, without repetitions.
func (w *world) wantShown(target, want string) {
	w.t.Helper()
	synctest.Wait()
	var shown []string
	for _, s := range w.snapshots {
		for _, word := range strings.Fields(show(s)) {
			state, ok := strings.CutPrefix(word, target+"=")
			if ok && (len(shown) == 0 || shown[len(shown)-1] != state) {
				shown = append(shown, state)
			}
		}
	}
	if diff := cmp.Diff(want, strings.Join(shown, " ")); diff != "" {
		w.t.Errorf("shown of %s (-want +got):\n%s", target, diff)
	}
}

// gate makes launches of a target wait for the returned channel to be closed.
func (w *world) gate(target string) chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	gate := make(chan struct{})
	w.gates[target] = gate
	return gate
}

// refuse makes launches of a target fail, or not if there's no error.
func (w *world) refuse(target string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refusals[target] = err
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
