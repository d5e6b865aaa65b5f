// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

// TestRandomLiveUpdates edits the files of an image and of its base while containers of three resources start again and
// crash, while builds, deploys and live updates fail, and while resources are triggered. Whenever a resource is up to
// date by its state, all its containers have the latest files. In the end all are.
func TestRandomLiveUpdates(t *testing.T) {
	for seed := range uint64(500) {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t, seed)
			f.w.run(Config{})
			for range 60 {
				time.Sleep(time.Duration(f.IntN(20000)) * time.Microsecond)
				synctest.Wait()
				f.check(false)
				f.act()
			}
			f.w.mu.Lock()
			f.failures = 0
			f.w.mu.Unlock()
			time.Sleep(time.Minute)
			for _, name := range f.names {
				f.w.trigger(name)
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			f.check(true)
			if t.Failed() {
				t.Fatalf("with seed %d: %s", seed, show(f.w.engine.Snapshot()))
			}
			f.w.stop()
		})
	}
}

// files are the versions of files.
type files map[string]int

// fleet is a project of resources whose containers take files.
type fleet struct {
	*rand.Rand
	t     *testing.T
	w     *world
	names []string

	// The rest is guarded by the world's lock.
	failures int
	fates    *rand.Rand
	// local are the files on this machine, images the files in each built image.
	local  files
	images map[string]files
	// pods are the containers of the resources.
	pods map[string]*pod
}

// pod is the container of a resource. It begins with the files of its image.
type pod struct {
	request *RuntimeRequest
	image   string
	files   files
	// instance numbers the containers.
	instance int
	crashed  bool
	// tried is the last change that was tried to be brought, done the last one that the container has, known the last one
	// that it must have.
	tried, done, known uint64
	// dirty are the files that were brought. redo is true if another deploy has followed, owes until they were brought
	// again since.
	dirty      map[string]bool
	redo, owes bool
}

func newFleet(t *testing.T, seed uint64) *fleet {
	f := &fleet{
		Rand: rand.New(rand.NewPCG(seed, 7)), fates: rand.New(rand.NewPCG(seed, 8)), t: t, names: []string{"a", "b", "c"},
		failures: 15, local: files{}, images: map[string]files{}, pods: map[string]*pod{},
	}
	var resources []model.Resource
	for _, name := range f.names {
		options := []option{synced("web", "base")}
		if name == "c" {
			options = append(options, manual)
		}
		resources = append(resources, workload(name, []string{"web"}, options...))
	}
	images := []model.Image{imageOf("base"), imageOf("web", "base")}
	images[1].Deps = append(images[1].Deps, "/unsynced")
	f.w = newWorld(t, projectWith(images, resources...))
	f.w.perform = f.perform
	return f
}

// perform plays builds, deploys, workloads and live updates.
func (f *fleet) perform(target string, d *performance) {
	name := strings.TrimPrefix(target[:strings.LastIndexByte(target, ':')], model.ImagePrefix)
	fails := f.fates.IntN(100) < f.failures
	end := func() {}
	switch {
	case strings.HasSuffix(target, ":runtime"):
		p := &pod{}
		f.pods[name] = p
		d.onRenew = func() {
			f.w.mu.Lock()
			defer f.w.mu.Unlock()
			f.follow(p, d.runtime)
		}
		f.follow(p, d.runtime)
		return
	case strings.HasSuffix(target, ":live"):
		end = f.bring(f.pods[name], d, fails)
	case fails:
		d.end = End{Error: "no"}
	case strings.HasPrefix(target, model.ImagePrefix):
		content := files{}
		for path, version := range f.local {
			if strings.HasPrefix(path, "/src/base") == (name == "base") {
				content[path] = version
			}
		}
		for _, base := range d.Images {
			maps.Copy(content, f.images[base.Ref])
		}
		ref := fmt.Sprint(name, content)
		f.images[ref] = content
		d.end.Output = model.BuiltImage{Ref: ref}
	default:
		d.end.Output = d.Images["web"].Ref
	}
	f.later(func() {
		end()
		d.fakeProcess.end(process.Exit{})
	})
}

// later does something after a while.
func (f *fleet) later(do func()) {
	time.AfterFunc(time.Duration(1+f.fates.IntN(3000))*time.Microsecond, do)
}

// follow has the container of a deploy run. It is another one if the image is.
func (f *fleet) follow(p *pod, request *RuntimeRequest) {
	ref, _ := request.Output.(string)
	p.request, p.known = request, 0
	if ref != p.image {
		p.image = ref
		p.instance++
		p.files, p.crashed = nil, false
		p.request.ReportLive([]LiveState{{Phase: LiveWaiting}})
		instance := p.instance
		f.later(func() {
			f.w.mu.Lock()
			defer f.w.mu.Unlock()
			if p.instance == instance {
				p.start(f)
				p.tell()
				p.request.Report(Report{Phase: Ready})
			}
		})
		return
	}
	if p.files == nil {
		return // It starts soon.
	}
	p.redo = len(p.dirty) > 0
	p.owes = p.owes || p.redo
	p.tell()
	request.Report(Report{Phase: Ready})
}

// start starts a container.
func (p *pod) start(f *fleet) {
	p.instance++
	p.files, p.tried, p.done, p.crashed = maps.Clone(f.images[p.image]), 0, 0, false
	p.dirty, p.redo, p.owes = map[string]bool{}, false, false
}

// tell reports how the container is.
func (p *pod) tell() {
	state := LiveState{Phase: LiveReady, Lacking: p.tried < p.known || p.redo}
	if p.files == nil {
		state = LiveState{Phase: LiveWaiting}
	}
	if p.crashed {
		state.Phase, state.Reason = LiveFailed, "CrashLoopBackOff"
	}
	p.request.ReportLive([]LiveState{state})
}

// bring brings files into a container, or only some of them if it fails.
func (f *fleet) bring(p *pod, d *performance, fails bool) (end func()) {
	brought, last := files{}, uint64(0)
	for _, file := range d.files[0] {
		last = file.Change
		if file.Change > p.done {
			brought[file.Path] = f.local[file.Path]
		}
	}
	if p.owes {
		for path := range p.dirty {
			brought[path] = f.local[path]
		}
	}
	for path := range brought {
		p.dirty[path] = true
	}
	p.known = last
	instance, broken := p.instance, f.fates.IntN(2) == 0
	return func() {
		f.w.mu.Lock()
		defer f.w.mu.Unlock()
		if p.instance != instance || d.stopped() > 0 {
			p.tell()
			return
		}
		p.tried, p.redo = last, false
		switch {
		case !fails:
			p.done, p.owes = last, false
			maps.Copy(p.files, brought)
		case broken:
			d.end = End{Rebuild: "UpdateFailed: no"}
		default:
			d.end = End{Error: "no"}
		}
		p.tell()
	}
}

func (f *fleet) act() {
	name := f.names[f.IntN(len(f.names))]
	switch f.IntN(12) {
	case 0, 1, 2, 3, 4, 5:
		f.edit([]string{"/src/web/x", "/src/web/y", "/src/base/z"}[f.IntN(3)])
	case 6:
		f.edit([]string{"/unsynced", "/src/web/stop", "/src/base/stop"}[f.IntN(3)])
	case 7, 8:
		f.w.mu.Lock()
		if p := f.pods[name]; p != nil && p.files != nil {
			p.start(f)
			p.tell()
		}
		f.w.mu.Unlock()
	case 9:
		f.w.mu.Lock()
		if p := f.pods[name]; p != nil && p.files != nil {
			p.start(f)
			p.crashed = true
			p.tell()
			instance := p.instance
			f.later(func() {
				f.w.mu.Lock()
				defer f.w.mu.Unlock()
				if p.instance == instance {
					p.start(f)
					p.tell()
				}
			})
		}
		f.w.mu.Unlock()
	case 10:
		f.w.trigger(name)
	case 11: // Nothing is changed.
		f.w.edit("/unsynced")
	}
}

func (f *fleet) edit(path string) {
	f.w.mu.Lock()
	f.local[path] = f.IntN(3)
	f.w.mu.Unlock()
	f.w.edit(path)
}

// check compares the files of containers whose resources are up to date with those on this machine.
func (f *fleet) check(all bool) {
	synctest.Wait()
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	snapshot := f.w.engine.Snapshot()
	upToDate := func(r ResourceState) bool {
		u := r.Update
		return u.Hold == HoldNone && u.Running.IsZero() && u.Last != nil && u.Last.Error == ""
	}
	for _, r := range snapshot.Resources {
		p := f.pods[r.Name]
		if !upToDate(r) || slices.ContainsFunc(snapshot.Images, func(i ResourceState) bool { return !upToDate(i) }) ||
			r.Runtime.Running == nil || r.Runtime.Running.Phase != Ready {
			if all {
				f.t.Errorf("%s isn't up to date: %+v", r.Name, r.Update)
			}
			continue
		}
		if p.files == nil || p.crashed {
			continue
		}
		for path, version := range f.local {
			if p.files[path] != version {
				f.t.Errorf("%s has version %d of %s, want %d", r.Name, p.files[path], path, version)
			}
		}
	}
}
