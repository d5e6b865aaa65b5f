// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

// TestRandomImages builds random graphs of images whose sources are edited while resources that use them are
// triggered, enabled, disabled, removed and added, and while builds fail. No image is built twice at a time, and no
// resource is deployed while an image that it uses is to be built. In the end what is deployed has the latest sources.
func TestRandomImages(t *testing.T) {
	for seed := range uint64(500) {
		synctest.Test(t, func(t *testing.T) {
			g := newGallery(t, seed)
			g.w.run(Config{})
			for range 40 {
				time.Sleep(time.Duration(g.IntN(8000)) * time.Microsecond)
				synctest.Wait()
				g.act()
			}
			g.settle()
			g.check()
			if t.Failed() {
				t.Fatalf("with seed %d", seed)
			}
			g.w.stop()
		})
	}
}

// gallery is a random project of images and of resources that use them.
type gallery struct {
	*rand.Rand
	t *testing.T
	w *world
	// bases are the images that each image uses, manual the resources that are updated on request.
	bases  map[string][]string
	uses   map[string][]string
	manual map[string]bool
	// sources are the versions of the images' sources.
	sources map[string]int
	// disabled are the resources that were disabled.
	disabled map[string]bool
	// failures is the chance of a build to fail, in percent.
	failures int

	// The rest is guarded by the world's lock: how builds and deploys end, the builds that run, and what was deployed
	// last.
	fates    *rand.Rand
	building map[string]bool
	deployed map[string]map[string]model.BuiltImage
}

func newGallery(t *testing.T, seed uint64) *gallery {
	g := &gallery{
		Rand: rand.New(rand.NewPCG(seed, 7)), fates: rand.New(rand.NewPCG(seed, 8)), t: t,
		bases: map[string][]string{}, uses: map[string][]string{},
		manual: map[string]bool{}, sources: map[string]int{}, disabled: map[string]bool{}, failures: 15,
		building: map[string]bool{}, deployed: map[string]map[string]model.BuiltImage{},
	}
	for i := range 5 {
		name := fmt.Sprintf("i%d", i)
		g.sources[name] = 1
		for j := range i {
			if g.IntN(100) < 30 {
				g.bases[name] = append(g.bases[name], fmt.Sprintf("i%d", j))
			}
		}
	}
	for i := range 5 {
		name := fmt.Sprintf("r%d", i)
		g.manual[name] = g.IntN(4) == 0
		for j := range 5 {
			if g.IntN(100) < 30 {
				g.uses[name] = append(g.uses[name], fmt.Sprintf("i%d", j))
			}
		}
	}
	g.w = newWorld(t, g.project(nil))
	g.w.perform = g.perform
	return g
}

// project has all resources but those that are left out, and the images that these use.
func (g *gallery) project(without []string) model.Project {
	var resources []model.Resource
	used := map[string]bool{}
	for i := range 5 {
		name := fmt.Sprintf("r%d", i)
		if slices.Contains(without, name) {
			continue
		}
		r := workload(name, g.uses[name])
		if g.manual[name] {
			manual(&r)
		}
		resources = append(resources, r)
		for _, image := range g.uses[name] {
			g.use(image, used)
		}
	}
	var images []model.Image
	for i := range 5 {
		if name := fmt.Sprintf("i%d", i); used[name] {
			images = append(images, imageOf(name, g.bases[name]...))
		}
	}
	p := projectWith(images, resources...)
	p.MaxParallelUpdates = 1 + g.IntN(4)
	return p
}

func (g *gallery) use(image string, used map[string]bool) {
	used[image] = true
	for _, base := range g.bases[image] {
		g.use(base, used)
	}
}

// perform ends a build or deploy after a while. A build has the sources of its start.
func (g *gallery) perform(target string, d *performance) {
	name, isBuild := strings.CutPrefix(strings.TrimSuffix(target, ":update"), model.ImagePrefix)
	switch {
	case d.runtime != nil:
		return
	case isBuild:
		if g.building[name] {
			g.t.Errorf("%s is built twice at a time", name)
		}
		g.building[name] = true
		d.end.Output = model.BuiltImage{Ref: g.ref(name, g.sources[name], d.Images)}
		if g.fates.IntN(100) < g.failures {
			d.end = End{Error: "no"}
		}
	default:
		for _, image := range g.uses[name] {
			if g.building[image] {
				g.t.Errorf("%s is deployed while %s is built", name, image)
			}
			if d.Images[image].Ref == "" {
				g.t.Errorf("%s is deployed without %s", name, image)
			}
		}
		g.deployed[name] = d.Images
	}
	after := time.Duration(1+g.fates.IntN(5000)) * time.Microsecond
	d.gone = func() {
		g.w.mu.Lock()
		defer g.w.mu.Unlock()
		delete(g.building, name)
	}
	time.AfterFunc(after, func() { d.fakeProcess.end(process.Exit{}) })
}

// ref names the content of an image: its own sources and those of its bases.
func (g *gallery) ref(name string, source int, bases map[string]model.BuiltImage) string {
	ref := fmt.Sprintf("%s%d", name, source)
	for _, base := range g.bases[name] {
		ref += "(" + bases[base].Ref + ")"
	}
	return ref
}

// latest is the reference of the latest sources.
func (g *gallery) latest(name string) model.BuiltImage {
	bases := map[string]model.BuiltImage{}
	for _, base := range g.bases[name] {
		bases[base] = g.latest(base)
	}
	return model.BuiltImage{Ref: g.ref(name, g.sources[name], bases)}
}

func (g *gallery) act() {
	resource := fmt.Sprintf("r%d", g.IntN(5))
	switch g.IntN(10) {
	case 0, 1, 2, 3:
		g.edit(fmt.Sprintf("i%d", g.IntN(5)))
	case 4, 5:
		// It may be disabled or gone.
		_ = g.w.engine.Trigger(g.t.Context(), []string{resource})
	case 6:
		if _, err := g.w.engine.Disable(g.t.Context(), named(resource)); err == nil {
			g.disabled[resource] = true
		}
	case 7:
		if _, err := g.w.engine.Enable(g.t.Context(), named(resource), false); err == nil {
			g.disabled[resource] = false
		}
	case 8:
		g.reload([]string{resource})
	case 9:
		g.reload(nil)
	}
}

func (g *gallery) edit(image string) {
	g.w.mu.Lock()
	g.sources[image]++
	g.w.mu.Unlock()
	g.w.edit("/src/" + image)
}

// reload evaluates the Tiltfile without some resources. One that comes back is enabled.
func (g *gallery) reload(without []string) {
	synctest.Wait()
	g.w.project = g.project(without)
	g.w.edit("/project/Tiltfile")
	for _, name := range without {
		g.disabled[name] = false
	}
}

// settle lets everything succeed, and has every resource updated.
func (g *gallery) settle() {
	g.w.mu.Lock()
	g.failures = 0
	g.w.mu.Unlock()
	g.reload(nil)
	time.Sleep(time.Minute)
	for i := range 5 {
		if name := fmt.Sprintf("r%d", i); !g.disabled[name] {
			g.w.trigger(name)
		}
	}
	time.Sleep(time.Minute)
	synctest.Wait()
}

// check compares what is deployed with the latest sources.
func (g *gallery) check() {
	for _, r := range g.w.engine.Snapshot().Resources {
		if r.Disabled != g.disabled[r.Name] {
			g.t.Errorf("%s is disabled: %t", r.Name, r.Disabled)
		}
		if r.Disabled {
			continue
		}
		if r.Update.Last == nil || r.Update.Last.Error != "" || r.Update.Hold != HoldNone {
			g.t.Errorf("%s isn't deployed: %+v", r.Name, r.Update)
			continue
		}
		for _, image := range g.uses[r.Name] {
			if got, want := g.deployed[r.Name][image], g.latest(image); got != want {
				g.t.Errorf("%s has %s, want %s", r.Name, got.Ref, want.Ref)
			}
		}
	}
	if g.t.Failed() {
		g.t.Logf("at the end: %s", show(g.w.engine.Snapshot()))
	}
}
