// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/probe"
	"tilt.dev/session/pkg/process"
)

// TestRandomProjects runs projects with random graphs and results. The rules of parallelism and order hold in each
// snapshot, and everything that can run has run in the end.
func TestRandomProjects(t *testing.T) {
	for seed := range uint64(400) {
		synctest.Test(t, func(t *testing.T) {
			g := newGamble(seed)
			w := newWorld(t, g.project)
			w.script = g.live
			w.probeScript = g.probe
			for target, fate := range g.fates {
				if fate.refused {
					w.refusals[target] = errors.New("refused")
				}
			}
			w.run(Config{FailFast: g.failFast})
			time.Sleep(time.Hour)
			synctest.Wait()
			for i, s := range w.snapshots {
				g.check(t, s, w.snapshots[max(0, i-1)])
			}
			if !g.failFast {
				if diff := cmp.Diff(g.forecast(), show(w.engine.Snapshot())); diff != "" {
					t.Errorf("end (-forecast +got):\n%s", diff)
				}
			}
			w.stop()
		})
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
}

// gamble is a random project and what happens to its targets.
type gamble struct {
	project  model.Project
	failFast bool
	fates    map[string]fate
}

// fate is what happens to a target.
type fate struct {
	refused bool
	// ready is when a server's probe passes, exit when the process ends, both
	// counted from the launch. Negative is never.
	ready, exit time.Duration
	code        int
}

func newGamble(seed uint64) *gamble {
	r := rand.New(rand.NewPCG(seed, 1))
	chance := func(percent int) bool { return r.IntN(100) < percent }
	g := &gamble{fates: map[string]fate{}, failFast: chance(25)}
	g.project = projectOf()
	g.project.MaxParallelUpdates = 1 + r.IntN(4)
	g.project.Enabled = model.Selection{}
	// The order of definition has nothing to do with that of dependencies.
	n := 1 + r.IntN(25)
	for _, rank := range r.Perm(n) {
		resource := job(fmt.Sprintf("r%d", rank))
		resource.AllowParallel = chance(60)
		resource.AutoInit = chance(95)
		if chance(40) {
			serving(&resource)
			if chance(50) {
				resource.Update = nil
			}
			if chance(50) {
				withProbe(&resource)
			}
		}
		for range min(rank, r.IntN(4)) {
			if dep := fmt.Sprintf("r%d", r.IntN(rank)); !slices.Contains(resource.ResourceDeps, dep) {
				resource.ResourceDeps = append(resource.ResourceDeps, dep)
			}
		}
		if chance(95) {
			g.project.Enabled.Names = append(g.project.Enabled.Names, resource.Name)
		}
		g.project.Resources = append(g.project.Resources, resource)
		g.fates[resource.Name+":update"] = fate{
			refused: chance(3), exit: time.Duration(r.IntN(5)) * time.Millisecond, code: btoi(chance(5)),
		}
		server := fate{refused: chance(3), ready: -1, exit: -1}
		if chance(90) {
			server.ready = time.Duration(r.IntN(5)) * time.Millisecond
		}
		if chance(15) {
			server.exit = 10 * time.Millisecond
		}
		g.fates[resource.Name+":serve"] = server
	}
	return g
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// live ends a process after its lifetime.
func (g *gamble) live(target string, p *fakeProcess) {
	if fate := g.fates[target]; fate.exit >= 0 {
		time.AfterFunc(fate.exit, func() { p.end(process.Exit{Code: fate.code}) })
	}
}

func (g *gamble) probe(ctx context.Context, resource string, report func(probe.Result)) {
	if ready := g.fates[resource+":serve"].ready; ready >= 0 {
		select {
		case <-time.After(ready):
			report(probe.Result{Ready: true})
		case <-ctx.Done():
		}
	}
	<-ctx.Done()
}

// check compares a snapshot and its predecessor with the rules.
func (g *gamble) check(t *testing.T, s, last *Snapshot) {
	t.Helper()
	running, alone := 0, false
	for i, r := range s.Resources {
		spec := g.project.Resources[i]
		if r.Update != nil && !r.Update.Running.IsZero() {
			running++
			alone = alone || !spec.AllowParallel
		}
		begun := begun(r) && (len(last.Resources) == 0 || !begun(last.Resources[i]))
		if begun && g.failFast && failed(last) {
			t.Errorf("version %d: %s began after a failure", s.Version, r.Name)
		}
		for _, name := range spec.ResourceDeps {
			if begun && !g.met(s, name) {
				t.Errorf("version %d: %s began before %s was done", s.Version, r.Name, name)
			}
		}
		g.checkHolds(t, s, spec, r)
	}
	if running > g.project.MaxParallelUpdates {
		t.Errorf("version %d: %d jobs run at once", s.Version, running)
	}
	if alone && running > 1 {
		t.Errorf("version %d: a job that runs alone is one of %d", s.Version, running)
	}
}

// checkHolds checks that every requested target is in one state, and that the others are in none.
func (g *gamble) checkHolds(t *testing.T, s *Snapshot, spec model.Resource, r ResourceState) {
	t.Helper()
	wanted := spec.AutoInit && !r.Disabled
	if r.Disabled == slices.Contains(g.project.Enabled.Names, r.Name) {
		t.Errorf("%s: disabled is %t", r.Name, r.Disabled)
	}
	if u := r.Update; u != nil {
		states := btoi(u.Hold != HoldNone) + btoi(!u.Running.IsZero()) + btoi(u.Last != nil)
		if states != btoi(wanted) {
			t.Errorf("version %d: %s is in %d states: %+v", s.Version, r.Name, states, u)
		}
	}
	if v := r.Runtime; v != nil {
		states := btoi(v.Hold != HoldNone) + btoi(v.Running != nil) + btoi(v.Exit != nil)
		if states != btoi(wanted) {
			t.Errorf("version %d: server %s is in %d states: %+v", s.Version, r.Name, states, v)
		}
	}
}

// begun is true once a resource is past waiting for its dependencies.
func begun(r ResourceState) bool {
	if u := r.Update; u != nil {
		return !u.Running.IsZero() || u.Last != nil
	}
	return r.Runtime.Running != nil || r.Runtime.Exit != nil || r.Runtime.Hold == HoldStarting
}

func failed(s *Snapshot) bool {
	return strings.Contains(show(s), "=failed")
}

// met reports whether a resource has ever been ready or has succeeded.
func (g *gamble) met(s *Snapshot, name string) bool {
	i := slices.IndexFunc(s.Resources, func(r ResourceState) bool { return r.Name == name })
	r := s.Resources[i]
	if r.Runtime == nil {
		return r.Update.Last != nil && r.Update.Last.Error == ""
	}
	if p := r.Runtime.Running; p != nil {
		return !p.LastReady.IsZero()
	}
	return r.Runtime.Exit != nil && !r.Runtime.Exit.Start.IsZero() && g.becomesReady(g.project.Resources[i])
}

func (g *gamble) becomesReady(spec model.Resource) bool {
	return !spec.Runtime.Probed() || g.fates[spec.Name+":serve"].ready >= 0
}

// forecast is the state in which nothing happens any more, from the graph and the fates alone.
func (g *gamble) forecast() string {
	met := map[string]bool{}
	shown := map[string]string{}
	// As many rounds as resources reach the end of every chain.
	for range g.project.Resources {
		for _, spec := range g.project.Resources {
			met[spec.Name], shown[spec.Name] = g.outcome(spec, met)
		}
	}
	var words []string
	for _, spec := range g.project.Resources {
		words = append(words, shown[spec.Name])
	}
	return strings.Join(words, " ")
}

// outcome is how a resource ends when those in met are met.
func (g *gamble) outcome(spec model.Resource, met map[string]bool) (ok bool, shown string) {
	both := func(update, serve string) string {
		var words []string
		if spec.Update != nil {
			words = append(words, spec.Name+"="+update)
		}
		if spec.Runtime != nil {
			words = append(words, spec.Name+":serve="+serve)
		}
		return strings.Join(words, " ")
	}
	job, serve := g.fates[spec.Name+":update"], g.fates[spec.Name+":serve"]
	blocked := slices.ContainsFunc(spec.ResourceDeps, func(name string) bool { return !met[name] })
	switch {
	case !slices.Contains(g.project.Enabled.Names, spec.Name):
		return false, both("disabled", "disabled")
	case !spec.AutoInit:
		return false, both("inactive", "inactive")
	case blocked:
		return false, both("waiting-for-dep", "waiting-for-dep")
	case spec.Update != nil && (job.refused || job.code != 0):
		return false, both("failed", "update-failed")
	case spec.Runtime == nil:
		return true, both("ok", "")
	case serve.refused:
		return false, both("ok", "failed")
	case serve.exit >= 0:
		return g.becomesReady(spec), both("ok", "failed")
	case g.becomesReady(spec):
		return true, both("ok", "ready")
	}
	return false, both("ok", "active")
}
