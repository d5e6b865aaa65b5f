// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"testing"
	"time"

	"k8s.io/client-go/tools/cache"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/kube/cluster"
	"tilt.dev/session/pkg/kube/deploy"
	"tilt.dev/session/pkg/model"
)

// TestRenewedReports has a workload of which there is nothing to say be renewed: each request gets a report, although
// it is the same as before.
func TestRenewedReports(t *testing.T) {
	connection := &cluster.Connection{Cluster: &model.Cluster{Namespace: "dev"}}
	runner := New(Options{})
	runner.feeds = &feeds{connection: connection, ctx: t.Context(), open: map[feedKey]*feed{}}
	var reports []engine.Report
	request := engine.RuntimeRequest{
		Runtime: &model.Workload{Readiness: model.PodReadinessIgnore},
		Output:  deploy.Applied{At: time.Unix(1, 0)},
		Report:  func(r engine.Report) { reports = append(reports, r) },
	}
	s, err := specOf(request)
	if err != nil {
		t.Fatal(err)
	}
	a := newActivity(runner, s, func() {})
	a.events, a.rollout, a.logs = &eventLog{}, newRollout(time.Time{}), newPodLogs(connection, time.Time{}, a.wake)
	for _, resource := range []feedKey{{podResource, "dev"}, {eventResource, "dev"}} {
		a.feeds[resource] = &feed{Store: cache.NewStore(cache.MetaNamespaceKeyFunc), key: resource, synced: true}
	}
	a.look(t.Context())
	a.look(t.Context())
	if len(reports) != 1 || reports[0].Phase != engine.Absent {
		t.Fatalf("reports before the renewal: %+v", reports)
	}
	request.Output = deploy.Applied{At: time.Unix(2, 0)}
	for _, what := range []string{"another deploy", "another definition"} {
		reports = nil
		if !a.Renew(request) {
			t.Fatal("not renewed")
		}
		a.look(t.Context())
		if len(reports) != 1 {
			t.Errorf("reports after %s: %+v", what, reports)
		}
	}
}
