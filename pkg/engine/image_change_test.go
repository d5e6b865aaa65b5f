// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"testing"
	"time"

	"tilt.dev/session/pkg/model"
)

// redeployed is a project with another deploy of its first resource.
func redeployed(project model.Project) model.Project {
	project.Resources = slices.Clone(project.Resources)
	project.Resources[0].Update = &model.Deploy{Resource: "a", Objects: []model.Object{{"kind": "ConfigMap"}}}
	return project
}

func TestImageFailsDuringDeploy(t *testing.T) {
	project := projectWith([]model.Image{imageOf("web")}, workload("a", []string{"web"}))
	play(t, project, func(w *world) {
		w.build("web", "1")
		w.edit("/src/web")
		w.reload(redeployed(project))
		w.finish("image:web:update", End{Error: "no such file"})
		w.want("a=active a:runtime=waiting-for-update image:web=failed")
		w.trigger("a")
		w.build("web", "2")
		if n := w.launches("a:update"); n != 1 {
			t.Errorf("%d deploys of a began, the first of which goes on", n)
		}
		w.deploy("a")
		w.want("a=active a:runtime=ready image:web=ok")
	})
}

func TestRepairedImage(t *testing.T) {
	project := projectWith([]model.Image{imageOf("base"), imageOf("web", "base")}, workload("a", []string{"web"}))
	play(t, project, func(w *world) {
		w.build("base", "1")
		w.build("web", "1")
		w.deploy("a")
		w.edit("/src/base", "/src/web")
		w.reload(redeployed(project))
		w.finish("image:base:update", End{Error: "no such file"})
		w.want("a=failed a:runtime=ready image:base=failed image:web=failed")
		w.edit("/src/base")
		w.build("base", "1")
		w.build("web", "1")
		w.deploy("a")
		w.want("a=ok a:runtime=ready image:base=ok image:web=ok")
		if n := w.launches("a:update"); n != 2 {
			t.Errorf("%d deploys of a", n)
		}
	})
}

func TestImageChangesDuringDeploy(t *testing.T) {
	play(t, projectWith([]model.Image{imageOf("web")}, workload("a", []string{"web"})), func(w *world) {
		w.build("web", "1")
		for _, tag := range []string{"2", "3"} {
			w.edit("/src/web")
			w.build("web", tag)
		}
		w.edit("/src/web")
		w.deploy("a")
		w.want("a=building-component a:runtime=ready image:web=active")
		w.build("web", "4")
		w.deploy("a")
		w.want("a=ok a:runtime=ready image:web=ok")
		if n := w.launches("a:update"); n != 2 {
			t.Errorf("%d deploys of a", n)
		}
		if got := w.performance("a:update").Images["web"].Ref; got != "web:4" {
			t.Errorf("the last deploy got %s", got)
		}
	})
}

func TestEnableDuringStoppedBuild(t *testing.T) {
	project := projectWith([]model.Image{imageOf("web")}, workload("a", []string{"web"}))
	play(t, project, func(w *world) {
		w.process("image:web:update").resist()
		w.disable(named("a"), "a")
		w.want("a=disabled a:runtime=disabled image:web=disabled")
		w.enable(named("a"), false, "a")
		w.want("a=building-component a:runtime=waiting-for-update image:web=waiting-for-local")
		time.Sleep(DefaultKillGrace)
		w.want("a=building-component a:runtime=waiting-for-update image:web=active")
		w.build("web", "1")
		w.deploy("a")
		w.want("a=ok a:runtime=ready image:web=ok")
	})
}

func TestReloadedImages(t *testing.T) {
	images := []model.Image{imageOf("web"), imageOf("db")}
	play(t, projectWith(images, workload("a", []string{"web"}), workload("b", []string{"db"})), func(w *world) {
		w.build("web", "1")
		w.deploy("a")
		// The image db leaves as it is being built, and its user with it. The other one gets a new name.
		leaving := w.process("image:db:update")
		w.reload(projectWith(images[:1], workload("renamed", []string{"web"})))
		w.want("renamed=active renamed:runtime=waiting-for-update image:web=ok")
		if leaving.stopped() != 1 || w.launches("image:web:update") != 1 {
			t.Errorf("stopped %d times, web built %d times", leaving.stopped(), w.launches("image:web:update"))
		}
		w.deploy("renamed")
		w.reload(projectWith(nil, workload("renamed", nil)))
		w.want("renamed=ok renamed:runtime=ready")
	})
}

func TestImageOfManualAndAutomaticResource(t *testing.T) {
	play(t, projectWith([]model.Image{imageOf("web")}, workload("a", []string{"web"}, manual),
		workload("b", []string{"web"})), func(w *world) {
		w.build("web", "1")
		w.deploy("a")
		w.deploy("b")
		w.edit("/src/web")
		w.want("a=building-component a:runtime=ready b=building-component b:runtime=ready image:web=active")
		w.build("web", "2")
		w.deploy("b")
		w.want("a=pending-trigger a:runtime=ready b=ok b:runtime=ready image:web=ok")
		w.trigger("a")
		w.deploy("a")
		w.want("a=ok a:runtime=ready b=ok b:runtime=ready image:web=ok")
		if n := w.launches("image:web:update"); n != 2 {
			t.Errorf("web was built %d times", n)
		}
	})
}

func TestRedefinitionOfLaunchedWorkload(t *testing.T) {
	project := projectWith(nil, workload("a", nil))
	playGated(t, project, "a:runtime", func(w *world, open func()) {
		w.finish("a:update", End{})
		project.Resources = slices.Clone(project.Resources)
		project.Resources[0].Runtime = &model.Workload{Resource: "a", PortForwards: []model.PortForward{{Local: 80}}}
		w.reload(project)
		open()
		forwards := w.performance("a:runtime").runtime.Runtime.(*model.Workload).PortForwards
		if len(forwards) != 1 {
			t.Errorf("the workload runs by its former definition")
		}
	})
}
