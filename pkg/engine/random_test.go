// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

// TestRandomSessions applies random requests to random projects: resources are triggered, edited, enabled, disabled
// and redefined while jobs fail, servers crash and processes ignore SIGTERM. The rules hold at every moment,
// and in the end every resource has run.
func TestRandomSessions(t *testing.T) {
	for seed := range uint64(250) {
		synctest.Test(t, func(t *testing.T) {
			m := newMonkey(t, seed)
			m.w.script = m.live
			m.w.run(Config{})
			for range 30 {
				time.Sleep(time.Duration(m.IntN(6000)) * time.Microsecond)
				synctest.Wait()
				m.act()
			}
			time.Sleep(time.Hour)
			synctest.Wait()
			m.checkSnapshots()
			m.checkEnd()
			m.w.stop()
		})
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
}

// monkey acts on an engine at random and records the runs that must follow.
type monkey struct {
	*rand.Rand
	t    *testing.T
	w    *world
	seed uint64
	// owed is when a resource was last triggered or, if it runs by itself,
	// edited. What was disabled, removed or defined anew is owed nothing.
	owed map[string]time.Time
	// edits numbers the files that were changed.
	edits int

	// The rest is guarded by the world's lock: when targets were last launched and how often, which jobs run, and
	// how many processes there are of each target.
	launched map[string]time.Time
	launches map[string]int
	jobs     []string
	alive    map[string]int
}

const monkeySlots = 3

func newMonkey(t *testing.T, seed uint64) *monkey {
	m := &monkey{
		Rand: rand.New(rand.NewPCG(seed, 2)), t: t, seed: seed, owed: map[string]time.Time{},
		launched: map[string]time.Time{}, launches: map[string]int{}, alive: map[string]int{},
	}
	m.w = newWorld(t, m.project(nil))
	return m
}

func (m *monkey) chance(percent int) bool { return m.IntN(100) < percent }

// project invents resources. Those that were there before are mostly kept.
func (m *monkey) project(before []model.Resource) model.Project {
	var resources []model.Resource
	for rank := range 12 {
		name := fmt.Sprintf("r%d", rank)
		i := slices.IndexFunc(before, func(r model.Resource) bool { return r.Name == name })
		switch {
		case i >= 0 && m.chance(80):
			resources = append(resources, before[i])
		case m.chance(70):
			resources = append(resources, m.resource(name, rank))
		}
	}
	m.Shuffle(len(resources), func(i, j int) { resources[i], resources[j] = resources[j], resources[i] })
	return projectOf(resources...)
}

func (m *monkey) resource(name string, rank int) model.Resource {
	r := job(name, on("/"+name))
	r.Update.(*model.Command).Dir = fmt.Sprint(m.IntN(2))
	// That a job runs alone has to be known from its name.
	r.AllowParallel = rank%3 > 0
	r.AutoInit = m.chance(80)
	r.Retries = m.IntN(3)
	if m.chance(25) {
		manual(&r)
	}
	if m.chance(40) {
		serving(&r)
		r.Restart = model.RestartPolicy(m.IntN(2))
		if m.chance(50) {
			r.Update = nil
		}
	}
	if rank > 0 && m.chance(30) {
		r.ResourceDeps = []string{fmt.Sprintf("r%d", m.IntN(rank))}
		for _, deps := range []*[]string{&r.StartedDeps, &r.OptionalDeps, &r.RestartDeps} {
			if m.chance(20) {
				*deps = r.ResourceDeps
			}
		}
	}
	return r
}

// live ends a process after a while, and records it.
func (m *monkey) live(target string, p *fakeProcess) {
	name, kind, _ := strings.Cut(target, ":")
	m.launched[target] = time.Now()
	m.launches[target]++
	m.alive[target]++
	if m.alive[target] > 1 {
		m.t.Errorf("%s runs %d times at once", target, m.alive[target])
	}
	// The lifetime is the same in every run, and independent of the order of launches.
	fate := rand.New(rand.NewPCG(m.seed, uint64(m.launches[target])<<32|uint64(crc32.ChecksumIEEE([]byte(target)))))
	p.stubborn = fate.IntN(5) == 0
	if kind == "update" {
		m.jobs = append(m.jobs, name)
		m.checkJobs()
	}
	p.gone = func() {
		m.w.mu.Lock()
		defer m.w.mu.Unlock()
		m.alive[target]--
		if i := slices.Index(m.jobs, name); kind == "update" && i >= 0 {
			m.jobs = slices.Delete(m.jobs, i, i+1)
		}
	}
	if kind == "update" || fate.IntN(5) == 0 {
		code := btoi(fate.IntN(5) == 0)
		time.AfterFunc(time.Duration(fate.IntN(5000))*time.Microsecond, func() { p.end(process.Exit{Code: code}) })
	}
}

// checkJobs checks the processes that run, independently of snapshots.
func (m *monkey) checkJobs() {
	if len(m.jobs) > monkeySlots {
		m.t.Errorf("%d jobs run: %v", len(m.jobs), m.jobs)
	}
	alone := func(name string) bool { return slices.Contains([]string{"r0", "r3", "r6", "r9"}, name) }
	if len(m.jobs) > 1 && slices.ContainsFunc(m.jobs, alone) {
		m.t.Errorf("a job that runs alone is one of %v", m.jobs)
	}
}

// act does something.
func (m *monkey) act() {
	now := time.Now()
	resources := m.w.engine.Snapshot().Resources
	if len(resources) == 0 {
		m.w.reload(m.project(nil))
		return
	}
	name := resources[m.IntN(len(resources))].Name
	switch m.IntN(10) {
	case 0, 1, 2:
		err := m.w.engine.Trigger(m.t.Context(), []string{name})
		if disabled := new(DisabledError); !errors.As(err, &disabled) {
			m.w.do(err)
			m.owed[name] = now
		}
	case 3, 4, 5:
		m.edits++
		m.w.notice(model.Change{Path: fmt.Sprintf("/%s/%d", name, m.edits), Seen: now, Modified: now})
		if m.runsByItself(name) {
			m.owed[name] = now
		}
	case 6:
		m.switched(m.w.engine.Disable(m.t.Context(), named(name)))
	case 7:
		m.switched(m.w.engine.Enable(m.t.Context(), named(name), m.chance(30)))
	case 8:
		m.w.reload(m.project(m.w.project.Resources))
		clear(m.owed)
	case 9:
		m.w.err = errors.New("broken")
		m.w.edit("/project/Tiltfile")
		m.w.err = nil
		m.w.edit("/project/Tiltfile")
	}
}

func (m *monkey) switched(changed []string, err error) {
	m.w.do(err)
	for _, name := range changed {
		delete(m.owed, name)
	}
}

func (m *monkey) runsByItself(name string) bool {
	i := slices.IndexFunc(m.w.project.Resources, func(r model.Resource) bool { return r.Name == name })
	return m.w.project.Resources[i].TriggerMode == model.TriggerAuto && !m.w.resource(name).Disabled
}

// checkSnapshots compares each snapshot with the rules and with the one before.
func (m *monkey) checkSnapshots() {
	last := map[string]ResourceState{}
	for _, s := range m.w.snapshots {
		now := map[string]ResourceState{}
		for _, r := range s.Resources {
			now[r.Name] = r
			if err := contradiction(r, last[r.Name]); err != "" {
				m.t.Errorf("version %d: %s %s: %+v %+v", s.Version, r.Name, err, r.Update, r.Runtime)
			}
		}
		last = now
	}
}

// contradiction describes why a state can't follow another one.
func contradiction(r, last ResourceState) string {
	if u := r.Update; u != nil {
		running := !u.Running.IsZero()
		begun := running && (last.Update == nil || !last.Update.Running.Equal(u.Running))
		switch {
		case r.Disabled && (running || u.Hold != HoldNone || u.Last != nil):
			return "isn't just disabled"
		case running && u.Hold != HoldNone:
			return "runs and waits"
		case begun && (last.Update == nil || last.Update.Hold == HoldNone):
			return "runs without having waited"
		case u.Attempt > u.Retries:
			return "is repeated too often"
		}
	}
	if v := r.Runtime; v != nil {
		states := btoi(v.Hold != HoldNone) + btoi(v.Running != nil) + btoi(v.Exit != nil)
		switch {
		case r.Disabled && states > 0:
			return "has a server that isn't just disabled"
		case states > 1:
			return "has a server in several states"
		}
	}
	return ""
}

// checkEnd checks that every resource has run, and that every process that should have ended has ended.
func (m *monkey) checkEnd() {
	s := m.w.engine.Snapshot()
	if s.Tiltfile.Pending || !s.Tiltfile.Running.IsZero() {
		m.t.Errorf("the Tiltfile isn't evaluated: %+v", s.Tiltfile)
	}
	expected := map[string]int{}
	for _, r := range s.Resources {
		if r.Runtime != nil && r.Runtime.Running != nil {
			expected[r.Name+":serve"] = 1
		}
		m.checkOwed(r)
		for _, shown := range strings.Fields(show(&Snapshot{Tiltfile: s.Tiltfile, Resources: []ResourceState{r}})) {
			_, state, _ := strings.Cut(shown, "=")
			if !slices.Contains([]string{"ok", "failed", "ready", "disabled", "inactive", "waiting-for-dep", "pending-trigger", "update-failed"}, state) {
				m.t.Errorf("in the end %s", shown)
			}
		}
	}
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	for target, n := range m.alive {
		if n != expected[target] {
			m.t.Errorf("%d processes of %s are left", n, target)
		}
	}
}

func (m *monkey) checkOwed(r ResourceState) {
	owed, ok := m.owed[r.Name]
	target := r.Name + ":serve"
	var hold Hold
	if r.Update != nil {
		target, hold = r.Name+":update", r.Update.Hold
	} else {
		hold = r.Runtime.Hold
	}
	if launched := m.launched[target]; ok && hold != HoldWaitingForDep && launched.Before(owed) {
		m.t.Errorf("%s was last launched at %s and owed a run since %s", target, launched, owed)
	}
}
