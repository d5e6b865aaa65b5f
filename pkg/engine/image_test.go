// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tilt.dev/session/pkg/model"
)

// imageOf is an image that uses others and depends on a file of its name.
func imageOf(name string, bases ...string) model.Image {
	return model.Image{Name: name, Build: &model.ImageBuild{Image: name}, Bases: bases, Deps: []string{"/src/" + name}}
}

// workload is a resource that uses images.
func workload(name string, images []string, options ...option) model.Resource {
	r := resourceOf(name, options)
	r.Update, r.Runtime = &model.Deploy{Resource: name}, &model.Workload{Resource: name}
	r.Images, r.AllowParallel = images, true
	return r
}

func projectWith(images []model.Image, resources ...model.Resource) model.Project {
	p := projectOf(resources...)
	p.Images, p.MaxParallelUpdates = images, 10
	return p
}

// build ends the build of an image with a tag.
func (w *world) build(image, tag string) {
	w.t.Helper()
	w.finish("image:"+image+":update", End{Output: model.BuiltImage{Ref: image + ":" + tag}})
}

// deploy ends a deploy, and has its workload be ready.
func (w *world) deploy(resource string) {
	w.t.Helper()
	w.finish(resource+":update", End{Output: resource})
	w.performance(resource + ":runtime").runtime.Report(Report{Phase: Ready})
}

func TestSharedImage(t *testing.T) {
	images := []model.Image{imageOf("base"), imageOf("web", "base")}
	play(t, projectWith(images, workload("a", []string{"web"}), workload("b", []string{"web"}, after("a")),
		workload("c", nil)), func(w *world) {
		w.want("a=building-component a:runtime=waiting-for-update " +
			"b=waiting-for-dep b:runtime=waiting-for-dep c=active c:runtime=waiting-for-update " +
			"image:base=active image:web=building-component")
		if got := w.resource("a").Update.Wait.On; !slices.Equal(got, []string{"image:web"}) {
			t.Errorf("a waits for %q", got)
		}
		if got := w.engine.Snapshot().Images[0].Resources; !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("resources of the base: %q", got)
		}
		w.build("base", "1")
		w.build("web", "1")
		want := map[string]model.BuiltImage{"web": {Ref: "web:1"}}
		if diff := cmp.Diff(want, w.performance("a:update").Images); diff != "" {
			t.Errorf("images of a (-want +got):\n%s", diff)
		}
		w.deploy("a")
		w.deploy("b")
		w.deploy("c")
		w.want("a=ok a:runtime=ready b=ok b:runtime=ready c=ok c:runtime=ready image:base=ok image:web=ok")
		if n := w.launches("image:web:update"); n != 1 {
			t.Errorf("web was built %d times", n)
		}
	})
}

// An image is built ahead of the dependencies of its users, but for those that may make what is in it.
func TestImageOfOutput(t *testing.T) {
	local := func(r *model.Resource) { r.BuildDeps = []string{"compile"} }
	images := []model.Image{imageOf("base"), imageOf("web", "base"), imageOf("db")}
	play(t, projectWith(images, job("compile", parallel), workload("a", []string{"web"}, after("compile", "d"), local),
		workload("d", []string{"db"})), func(w *world) {
		w.want("compile=active a=waiting-for-dep a:runtime=waiting-for-dep d=building-component d:runtime=waiting-for-update " +
			"image:base=waiting-for-dep image:web=waiting-for-dep image:db=active")
		w.exit("compile:update", 0)
		w.want("compile=ok a=waiting-for-dep a:runtime=waiting-for-dep d=building-component d:runtime=waiting-for-update " +
			"image:base=active image:web=building-component image:db=active")
		w.build("base", "1")
		w.build("web", "1")
		w.want("compile=ok a=waiting-for-dep a:runtime=waiting-for-dep d=building-component d:runtime=waiting-for-update " +
			"image:base=ok image:web=ok image:db=active")
	})
}

func TestChangedImage(t *testing.T) {
	play(t, projectWith([]model.Image{imageOf("base"), imageOf("web", "base")}, workload("a", []string{"web"})),
		func(w *world) {
			w.build("base", "1")
			w.build("web", "1")
			w.deploy("a")
			w.edit("/src/web")
			w.want("a=building-component a:runtime=ready image:base=ok image:web=active")
			w.build("web", "1")
			w.want("a=ok a:runtime=ready image:base=ok image:web=ok")
			w.edit("/src/base")
			w.want("a=building-component a:runtime=ready image:base=active image:web=building-component")
			w.build("base", "2")
			w.want("a=building-component a:runtime=ready image:base=ok image:web=active")
			w.build("web", "2")
			w.want("a=active a:runtime=ready image:base=ok image:web=ok")
			runtime := w.performance("a:runtime")
			w.finish("a:update", End{Output: "again"})
			w.want("a=ok a:runtime=active image:base=ok image:web=ok")
			if len(runtime.renewed) != 1 || runtime.renewed[0].Output != "again" {
				t.Errorf("renewed with %v", runtime.renewed)
			}
			w.wantLog("a", "Waiting for image:web||Initial Build||Dependency Updated")
		})
}

func TestFailedImage(t *testing.T) {
	images := []model.Image{imageOf("base"), imageOf("web", "base")}
	play(t, projectWith(images, workload("a", []string{"web"}), workload("b", []string{"web"}, after("a"))),
		func(w *world) {
			w.finish("image:base:update", End{Error: "no such file"})
			w.want("a=failed a:runtime=update-failed b=failed b:runtime=update-failed image:base=failed image:web=failed")
			w.wantLog("image:base", `|Initial Build|ERROR: Build Failed: Build of image "base" failed: no such file`)
			w.wantLog("image:web", `Waiting for image:base|ERROR: Build of image "web" failed: image:base wasn't built`)
			w.wantLog("a", `Waiting for image:web|ERROR: Deploy of "a" failed: image:web wasn't built`)
			w.trigger("a")
			w.want("a=building-component a:runtime=waiting-for-update b=building-component b:runtime=waiting-for-update " +
				"image:base=active image:web=building-component")
			w.build("base", "1")
			w.build("web", "1")
			w.deploy("a")
			w.want("a=ok a:runtime=ready b=active b:runtime=waiting-for-update image:base=ok image:web=ok")
		})
}

// A resource that an image has kept from its first update waits for its dependencies once the image is built.
func TestDependenciesAfterFailedImage(t *testing.T) {
	images := []model.Image{imageOf("web")}
	play(t, projectWith(images, workload("a", []string{"web"}, after("b")), workload("b", nil)), func(w *world) {
		w.finish("image:web:update", End{Error: "no"})
		w.want("a=failed a:runtime=update-failed b=active b:runtime=waiting-for-update image:web=failed")
		w.trigger("a")
		w.build("web", "1")
		w.want("a=waiting-for-dep a:runtime=waiting-for-dep b=active b:runtime=waiting-for-update image:web=ok")
		w.deploy("b")
		w.want("a=active a:runtime=waiting-for-update b=ok b:runtime=ready image:web=ok")
	})
}

func TestImageOfManualResource(t *testing.T) {
	play(t, projectWith([]model.Image{imageOf("web")}, workload("a", []string{"web"}, manual)), func(w *world) {
		w.build("web", "1")
		w.deploy("a")
		w.edit("/src/web")
		w.want("a=pending-trigger a:runtime=ready image:web=pending-trigger")
		w.trigger("a")
		w.want("a=building-component a:runtime=ready image:web=active")
		w.build("web", "2")
		w.want("a=active a:runtime=ready image:web=ok")
		if !w.performance("a:update").Requested {
			t.Error("the deploy doesn't know that it was requested")
		}
	})
}

func TestImageWithoutDemand(t *testing.T) {
	play(t, projectWith([]model.Image{imageOf("web")}, workload("a", []string{"web"}, noInit)), func(w *world) {
		w.want("a=inactive a:runtime=inactive image:web=inactive")
		w.trigger("a")
		w.want("a=building-component a:runtime=waiting-for-update image:web=active")
		w.disable(named("a"), "a")
		w.want("a=disabled a:runtime=disabled image:web=disabled")
		w.wantLog("a", "Waiting for image:web|"+
			"Resource \"a\" disabled; what it has deployed goes on, and `tilt-session down a` removes it")
		if n := w.process("image:web:update").stopped(); n != 1 {
			t.Errorf("the build was stopped %d times", n)
		}
	})
}

func TestWorkload(t *testing.T) {
	project := projectWith(nil, workload("a", nil), workload("b", nil, after("a")), job("c", parallel, after("b")))
	play(t, project, func(w *world) {
		w.finish("a:update", End{})
		w.want("a=ok a:runtime=active b=waiting-for-dep b:runtime=waiting-for-dep c=waiting-for-dep")
		report := w.performance("a:runtime").runtime.Report
		report(Report{Phase: Pending, Reason: "ContainerCreating"})
		w.want("a=ok a:runtime=ContainerCreating b=waiting-for-dep b:runtime=waiting-for-dep c=waiting-for-dep")
		report(Report{Phase: Failed, Error: "crash loop"})
		w.want("a=ok a:runtime=error b=waiting-for-dep b:runtime=waiting-for-dep c=waiting-for-dep")
		time.Sleep(time.Second)
		report(Report{Phase: Ready})
		w.want("a=ok a:runtime=ready b=active b:runtime=waiting-for-update c=waiting-for-dep")
		if running := w.resource("a").Runtime.Running; running.Error != "" || running.LastReady.Sub(running.Start) != time.Second {
			t.Errorf("running: %+v", running)
		}
		project.Resources = slices.Clone(project.Resources)
		project.Resources[0].Runtime = &model.Workload{Resource: "a", PortForwards: []model.PortForward{{Local: 80}}}
		w.reload(project)
		w.want("a=ok a:runtime=ready b=active b:runtime=waiting-for-update c=waiting-for-dep")
		if n := len(w.performance("a:runtime").renewed); n != 1 {
			t.Errorf("the runtime was renewed %d times", n)
		}
		w.finish("b:update", End{})
		w.performance("b:runtime").runtime.Report(Report{Phase: Absent})
		report(Report{Phase: Failed, Error: "late"})
		w.want("a=ok a:runtime=ready b=ok b:runtime=absent c=active")
	})
}
