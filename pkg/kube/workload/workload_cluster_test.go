//go:build cluster

// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/kube/deploy"
	"tilt.dev/session/pkg/model"
)

func TestClusterRollout(t *testing.T) {
	f := newFixture(t, nil)
	applied := f.apply(deployment(2, "one", "print=hello one", "serve=:8080"))
	r := f.start(model.Workload{PortForwards: []model.PortForward{{Local: 0}}}, applied)
	r.awaitPhase(engine.Ready)
	var url string
	f.eventually("the port of the forward", func() bool {
		_, after, ok := strings.Cut(f.log(), "listening at port ")
		if ok {
			port, _, _ := strings.Cut(after, "\n")
			url = "http://localhost:" + port
		}
		return ok
	})
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	get := func() string {
		response, err := client.Get(url)
		if err != nil {
			return err.Error()
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return err.Error()
		}
		return string(body)
	}
	for range 20 {
		if got := get(); got != "one" {
			t.Fatalf("the pod answers %q", got)
		}
	}
	applied = f.apply(deployment(2, "two", "print=hello two", "serve=:8080"))
	r.renew(applied)
	// The same port leads to the new pods, with no moment at which nothing answers.
	f.eventually("an answer of a new pod", func() bool {
		switch got := get(); got {
		case "one":
			return false
		case "two":
			return true
		default:
			t.Errorf("during the rollout the pod answers %q", got)
			return true
		}
	})
	r.awaitPhase(engine.Ready)
	f.eventually("the log of both pods of each deploy", func() bool {
		log := f.log()
		return strings.Count(log, "hello one") == 2 && strings.Count(log, "hello two") == 2
	})
	if r.saw(engine.Failed) || r.saw(engine.Succeeded) {
		t.Errorf("reports: %+v", r.all)
	}
	r.Stop(time.Second)
	<-r.Done()
}

func TestClusterLogsAcrossRestarts(t *testing.T) {
	f := newFixture(t, nil)
	const lines = 300
	applied := f.apply(deployment(1, "", fmt.Sprintf("count=%d", lines), "exit=3"))
	r := f.start(model.Workload{}, applied)
	report := r.awaitPhase(engine.Failed)
	if !strings.Contains(report.Error, "CrashLoopBackOff (exited with code 3)") {
		t.Errorf("the error is %q", report.Error)
	}
	f.eventually("the third container", func() bool { return r.await("", func(engine.Report) bool { return true }).Restarts >= 2 })
	f.eventually("all lines of three containers", func() bool { return strings.Count(f.log(), fmt.Sprintf(" %d\n", lines-1)) >= 3 })
	next := 0
	for line := range strings.Lines(f.log()) {
		var host string
		var pid, n int
		if _, err := fmt.Sscanf(line, "%s %d %d\n", &host, &pid, &n); err != nil || !strings.HasPrefix(host, "web-") {
			continue
		}
		if n != next {
			t.Fatalf("line %d comes instead of %d", n, next)
		}
		next = (n + 1) % lines
	}
	// Once it no longer crashes it recovers.
	r.renew(f.apply(deployment(1, "", "serve=:8080")))
	r.awaitPhase(engine.Ready)
}

func TestClusterJob(t *testing.T) {
	f := newFixture(t, nil)
	r := f.start(model.Workload{Readiness: model.PodReadinessSucceeded},
		f.apply(job("Never", "", "print=migrating", "sleep=1s", "print=failing", "exit=4")))
	report := r.awaitPhase(engine.Failed)
	if !strings.Contains(report.Error, "BackoffLimitExceeded") || !strings.Contains(report.Error, "exited with code 4") {
		t.Errorf("the error is %q", report.Error)
	}
	// The limit is 1, so that two pods have run, and their logs are complete by the time of the report.
	if got := strings.Count(f.log(), "failing"); got != 2 {
		t.Errorf("%d pods have run", got)
	}
}

func TestClusterJobSucceeds(t *testing.T) {
	f := newFixture(t, nil)
	r := f.start(model.Workload{Readiness: model.PodReadinessSucceeded}, f.apply(job("OnFailure", "", "print=done")))
	r.awaitPhase(engine.Succeeded)
	if !strings.Contains(f.log(), "done\n") {
		t.Error("its log came after the report")
	}
}

func TestClusterTroubles(t *testing.T) {
	for name, tc := range map[string]struct {
		object string
		ok     func(engine.Report) bool
	}{
		"unschedulable": {job("Never", `, resources: {requests: {cpu: "1000"}}`), func(r engine.Report) bool {
			return r.Phase == engine.Pending && r.Reason == "Unschedulable" && strings.Contains(r.Detail, "Insufficient cpu")
		}},
		"no such image": {strings.ReplaceAll(job("Never", ""), "IMAGE", "localhost:1/none:1"), func(r engine.Report) bool {
			return r.Phase == engine.Failed && strings.Contains(r.Error, "container app: ") && strings.Contains(r.Error, "Pull")
		}},
		"bad image name": {strings.ReplaceAll(job("Never", ""), "IMAGE", "NO:NO:NO"), func(r engine.Report) bool {
			return r.Phase == engine.Failed && strings.Contains(r.Error, "InvalidImageName")
		}},
		"missing ConfigMap": {job("Never", ", envFrom: [{configMapRef: {name: none}}]"), func(r engine.Report) bool {
			return r.Phase == engine.Pending && r.Reason == "CreateContainerConfigError" && strings.Contains(r.Detail, "none")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil)
			r := f.start(model.Workload{Readiness: model.PodReadinessSucceeded}, f.apply(tc.object))
			r.await(name, tc.ok)
			f.eventually("its event", func() bool { return strings.Contains(f.log(), "[event: pod "+f.namespace+"/migrate-") })
		})
	}
}

// TestClusterContainers has all kinds of containers in a pod that was there before, and that only a selector finds.
func TestClusterContainers(t *testing.T) {
	f := newFixture(t, nil)
	f.apply(`{apiVersion: v1, kind: Pod, metadata: {name: p, labels: {app: p}}, spec: {terminationGracePeriodSeconds: 1,
  initContainers: [{name: prepare, image: IMAGE, args: [print=prepared]},
    {name: sidecar, image: IMAGE, restartPolicy: Always, args: [print=beside, "serve=:8081"]}],
  containers: [{name: app, image: IMAGE, args: [print=before, sleep=4s, print=main, "serve=:8080"]},
    {name: istio-proxy, image: IMAGE, args: [print=hidden, "serve=:8082"]}]}}`)
	f.eventually("the pod", func() bool {
		p, err := f.connection.Core.Pods(f.namespace).Get(f.Context(), "p", metav1.GetOptions{})
		return err == nil && p.Status.Phase == corev1.PodRunning
	})
	// Lines from before the run aren't shown.
	time.Sleep(3 * time.Second)
	f.runner.began = time.Now()
	w := model.Workload{SelectorsOnly: true, PodSelectors: []map[string]string{{"app": "none"}, {"app": "p"}},
		PortForwards: []model.PortForward{{Local: 0, Container: 9}}}
	r := f.start(w, &deploy.Applied{At: time.Now()})
	r.awaitPhase(engine.Ready)
	f.eventually("the lines", func() bool { return strings.Contains(f.log(), "\nmain\n") })
	log := f.log()
	for _, text := range []string{"hidden", "before", "prepared", "beside"} {
		if strings.Contains(log, text) {
			t.Errorf("the log shows %q", text)
		}
	}
	if !strings.Contains(log, "Attaching to existing pod (p)") {
		t.Error("the log doesn't say that the pod was there before")
	}
	f.eventually("the error of the port forward", func() bool {
		_, after, _ := strings.Cut(f.log(), "listening at port ")
		port, _, _ := strings.Cut(after, "\n")
		if conn, err := net.Dial("tcp", "localhost:"+port); err == nil {
			_, _ = conn.Read(make([]byte, 1))
			conn.Close()
		}
		return strings.Contains(f.log(), "nothing listens at port 9 in pod p")
	})
}

func TestClusterStatefulSet(t *testing.T) {
	f := newFixture(t, nil)
	r := f.start(model.Workload{}, f.apply(`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {replicas: 2,
  serviceName: db, selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}, spec: {
  terminationGracePeriodSeconds: 1, initContainers: [{name: prepare, image: IMAGE, args: [print=prepared]},
    {name: sidecar, image: IMAGE, restartPolicy: Always, args: [print=beside, "serve=:8081"]}],
  containers: [{name: app, image: IMAGE, args: [print=main, "serve=:8080"]}]}}}}`))
	r.awaitPhase(engine.Ready)
	f.eventually("the lines of both pods", func() bool {
		log := f.log()
		return strings.Count(log, "[prepare] prepared\n") == 2 && strings.Count(log, "[sidecar] beside\n") == 2 &&
			strings.Count(log, "\nmain\n") == 2
	})
	if err := f.connection.Dynamic.Resource(appsv1.SchemeGroupVersion.WithResource("statefulsets")).
		Namespace(f.namespace).Delete(f.Context(), "db", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	r.await("its absence", func(report engine.Report) bool { return report.Reason == "deleted" })
	r.renew(f.apply(`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {replicas: 0, serviceName: db,
  selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: app, image: IMAGE}]}}}}`))
	r.awaitPhase(engine.Ready)
}
