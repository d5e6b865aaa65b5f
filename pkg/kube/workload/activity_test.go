// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/kube/cluster"
	"tilt.dev/session/pkg/kube/deploy"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

// watching is an activity whose feeds have nothing, and that doesn't run by itself.
func watching(t *testing.T, request engine.RuntimeRequest) *activity {
	t.Helper()
	connection := &cluster.Connection{Cluster: &model.Cluster{Namespace: "dev"}}
	runner := New(Options{})
	runner.feeds = &feeds{connection: connection, ctx: t.Context(), open: map[feedKey]*feed{}}
	request.Log = engine.NewLog(logs.New(1<<20, clock.RealClock{}), "web")
	s, err := specOf(request)
	if err != nil {
		t.Fatal(err)
	}
	a := newActivity(t.Context(), runner, s, func() {})
	a.events, a.rollout, a.logs = &eventLog{}, newRollout(time.Time{}), newPodLogs(connection, time.Time{}, a.wake)
	for _, resource := range []feedKey{{podResource, "dev"}, {eventResource, "dev"}} {
		a.feeds[resource] = &feed{Store: cache.NewStore(cache.MetaNamespaceKeyFunc), key: resource, synced: true}
	}
	return a
}

// TestOtherClock has clusters whose clocks are ahead and behind.
func TestOtherClock(t *testing.T) {
	for _, skew := range []time.Duration{time.Hour, -time.Hour} {
		t.Run(skew.String(), func(t *testing.T) { testClock(t, skew) })
	}
}

func testClock(t *testing.T, skew time.Duration) {
	var last engine.Report
	deployed := time.Now()
	a := watching(t, engine.RuntimeRequest{
		Runtime: &model.Workload{
			Readiness: model.PodReadinessWait, PodSelectors: []map[string]string{{"app": "web"}}, SelectorsOnly: true,
		},
		Output: deploy.Applied{At: deployed},
		Report: func(r engine.Report) { last = r },
	})
	a.skew = skew
	started := metav1.NewTime(deployed.Add(skew))
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: "web", Namespace: "dev", UID: "web", Labels: map[string]string{"app": "web"}, CreationTimestamp: started,
		},
		// Nothing follows the log of such a container.
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "istio-proxy"}}},
		Status: corev1.PodStatus{
			Phase:      corev1.PodRunning,
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
			ContainerStatuses: []corev1.ContainerStatus{{
				Name: "istio-proxy", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: started}},
			}},
		},
	}
	if err := a.feeds[feedKey{podResource, "dev"}].Add(pod); err != nil {
		t.Fatal(err)
	}
	a.look(t.Context())
	if last.Phase != engine.Ready || !last.Start.Equal(deployed) {
		t.Errorf("report: %+v", last)
	}
	if last.Unproven.Before(deployed) || last.Unproven.After(deployed.Add(time.Minute)) {
		t.Errorf("unproven until %v, deployed at %v", last.Unproven, deployed)
	}
}

// TestRenewedReports has a workload of which there is nothing to say be renewed: each request gets a report, although
// it is the same as before.
func TestRenewedReports(t *testing.T) {
	var reports []engine.Report
	request := engine.RuntimeRequest{
		Runtime: &model.Workload{Readiness: model.PodReadinessIgnore},
		Output:  deploy.Applied{At: time.Unix(1, 0)},
		Report:  func(r engine.Report) { reports = append(reports, r) },
	}
	a := watching(t, request)
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

// TestLatest has a watch that lags behind a deploy, and catches up.
func TestLatest(t *testing.T) {
	named := func(version string) *unstructured.Unstructured {
		o := &unstructured.Unstructured{Object: map[string]any{"kind": "Deployment"}}
		o.SetName("web")
		o.SetNamespace("dev")
		o.SetResourceVersion(version)
		return o
	}
	pod := func(uid, version string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Name: "web", Namespace: "dev", UID: types.UID(uid), ResourceVersion: version,
		}}
	}
	f := &feed{Store: cache.NewStore(cache.MetaNamespaceKeyFunc)}
	o := object{Unstructured: named("7"), feed: f, namespace: "dev"}
	applied := named("7")
	applied.SetUID("new")
	p := object{Unstructured: applied, feed: &feed{Store: cache.NewStore(cache.MetaNamespaceKeyFunc)}, namespace: "dev"}
	for _, step := range []struct {
		what    string
		do      func() error
		of      object
		version string
		deleted bool
	}{
		{"not listed", func() error { return nil }, o, "7", false},
		{"listed before", func() error { return f.Replace(nil, "5") }, o, "7", false},
		{"an older one", func() error { return f.Add(named("6")) }, o, "7", false},
		{"the older one is gone", func() error { return f.Delete(named("6")) }, o, "7", false},
		{"seen", func() error { return f.Add(named("7")) }, o, "7", false},
		{"changed", func() error { return f.Update(named("8")) }, o, "8", false},
		{"deleted", func() error { return f.Delete(named("9")) }, o, "7", true},
		{"another pod before", func() error { return p.feed.Replace([]any{pod("old", "6")}, "6") }, p, "7", false},
		{"the pod", func() error { return p.feed.Update(pod("new", "7")) }, p, "7", false},
		{"another pod since", func() error { return p.feed.Update(pod("newer", "9")) }, p, "7", true},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		latest, deleted := step.of.latest()
		if latest.GetResourceVersion() != step.version || deleted != step.deleted {
			t.Errorf("%s: version %s, deleted %t", step.what, latest.GetResourceVersion(), deleted)
		}
	}
}
