// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"testing"

	"tilt.dev/session/pkg/model"
)

func startedAfter(names ...string) option {
	return func(r *model.Resource) { r.ResourceDeps, r.StartedDeps = names, names }
}

func optionallyAfter(names ...string) option {
	return func(r *model.Resource) { r.ResourceDeps, r.OptionalDeps = names, names }
}

// Each condition is met at its moment, and not before.
func TestConditions(t *testing.T) {
	restarted := func(r *model.Resource) { r.ResourceDeps, r.RestartDeps = []string{"db"}, []string{"db"} }
	play(t, projectWith(nil, workload("db", nil), workload("started", nil, startedAfter("db")),
		workload("healthy", nil, restarted)), func(w *world) {
		w.want("db=active db:runtime=waiting-for-update started=waiting-for-dep started:runtime=waiting-for-dep " +
			"healthy=waiting-for-dep healthy:runtime=waiting-for-dep")
		w.finish("db:update", End{})
		w.want("db=ok db:runtime=active started=active started:runtime=waiting-for-update " +
			"healthy=waiting-for-dep healthy:runtime=waiting-for-dep")
		w.performance("db:runtime").runtime.Report(Report{Phase: Ready})
		w.want("db=ok db:runtime=ready started=active started:runtime=waiting-for-update " +
			"healthy=active healthy:runtime=waiting-for-update")
		w.deploy("started")
		w.deploy("healthy")
		w.trigger("db")
		w.want("db=active db:runtime=ready started=ok started:runtime=ready healthy=ok healthy:runtime=ready")
		w.deploy("db")
		w.want("db=ok db:runtime=ready started=ok started:runtime=ready healthy=active healthy:runtime=ready")
		if !w.performance("healthy:update").Requested {
			t.Error("the update after that of the dependency recreates nothing")
		}
		for _, s := range w.snapshots {
			if u := s.Resources; len(u) > 2 && u[2].Update.Triggered {
				t.Fatal("the update after that of the dependency counts as asked for")
			}
		}
		w.wantLog("healthy", "|Initial Build||Dependency Updated")
	})
}

// A dependency that isn't required holds back nothing once it has failed, however it does.
func TestOptionalDependencies(t *testing.T) {
	project := projectWith(nil, workload("db", nil), workload("web", nil, optionallyAfter("db")),
		workload("strict", nil, after("db")))
	play(t, project, func(w *world) {
		w.want("db=active db:runtime=waiting-for-update web=waiting-for-dep web:runtime=waiting-for-dep " +
			"strict=waiting-for-dep strict:runtime=waiting-for-dep")
		w.finish("db:update", End{Error: "no such image"})
		w.want("db=failed db:runtime=update-failed web=active web:runtime=waiting-for-update " +
			"strict=waiting-for-dep strict:runtime=waiting-for-dep")
	})
	play(t, project, func(w *world) {
		w.finish("db:update", End{})
		w.want("db=ok db:runtime=active web=waiting-for-dep web:runtime=waiting-for-dep " +
			"strict=waiting-for-dep strict:runtime=waiting-for-dep")
		w.performance("db:runtime").runtime.Report(Report{Phase: Failed, Error: "exit 1"})
		w.want("db=ok db:runtime=error web=active web:runtime=waiting-for-update " +
			"strict=waiting-for-dep strict:runtime=waiting-for-dep")
	})
	play(t, project, func(w *world) {
		w.want("db=active db:runtime=waiting-for-update web=waiting-for-dep web:runtime=waiting-for-dep " +
			"strict=waiting-for-dep strict:runtime=waiting-for-dep")
		w.disable(named("db"), "db")
		w.want("db=disabled db:runtime=disabled web=active web:runtime=waiting-for-update " +
			"strict=waiting-for-dep strict:runtime=waiting-for-dep")
	})
	late := projectWith(nil, workload("db", nil), workload("web", nil, optionallyAfter("db")))
	late.Resources[0].AutoInit = false
	play(t, late, func(w *world) { w.want("db=inactive db:runtime=inactive web=active web:runtime=waiting-for-update") })
}
