//go:build cluster

// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"sigs.k8s.io/yaml"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/kube/cluster"
	"tilt.dev/session/pkg/kube/deploy"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

// These tests run in a namespace of their own on the cluster of KUBECONFIG, whose node has testImage: that of
// testdata/image.
const testImage = "tilt-session-test/workload:1"

// slow is how long a test waits for what the cluster has to do.
const slow = 120 * time.Second

// fixture is a namespace and what runs in it.
type fixture struct {
	*testing.T
	connection *cluster.Connection
	namespace  string
	runner     *Runner
	store      *logs.Store
}

// newFixture returns a fixture. The runner's connection is changed by edit, nil for none.
func newFixture(t *testing.T, edit func(*rest.Config)) *fixture {
	t.Parallel()
	frozen := cluster.Freeze(cluster.Options{})
	t.Cleanup(func() { frozen.Close() })
	c, err := frozen.Connection()
	if err != nil {
		t.Fatal(err)
	}
	created, err := c.Core.Namespaces().Create(t.Context(), &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "workload-test-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{T: t, connection: c, namespace: created.Name, store: logs.New(64<<20, clock.RealClock{})}
	f.runner = New(Options{Connection: func() (*cluster.Connection, error) {
		if edit == nil {
			return c, nil
		}
		config := rest.CopyConfig(c.Config)
		edit(config)
		other := *c
		other.Config = config
		other.Core = typedcorev1.NewForConfigOrDie(config)
		other.Dynamic = dynamic.NewForConfigOrDie(config)
		other.Metadata = metadata.NewForConfigOrDie(config)
		return &other, nil
	}})
	t.Cleanup(f.runner.Close)
	t.Cleanup(func() {
		if err := c.Core.Namespaces().Delete(context.Background(), f.namespace, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
		if t.Failed() || testing.Verbose() {
			t.Log(f.log())
		}
	})
	return f
}

// apply applies YAML documents, each with IMAGE for the image, as a deploy does.
func (f *fixture) apply(documents ...string) *deploy.Applied {
	f.Helper()
	applied := &deploy.Applied{}
	for _, text := range documents {
		var u unstructured.Unstructured
		if err := yaml.Unmarshal([]byte(strings.ReplaceAll(text, "IMAGE", testImage)), &u.Object); err != nil {
			f.Fatal(err)
		}
		client, _, err := f.connection.Resource(u.GroupVersionKind(), f.namespace)
		if err != nil {
			f.Fatal(err)
		}
		u.SetNamespace(f.namespace)
		// The service account of a new namespace takes a moment.
		result, err := client.Apply(f.Context(), u.GetName(), &u, metav1.ApplyOptions{FieldManager: "test", Force: true})
		for deadline := time.Now().Add(slow); apierrors.IsForbidden(err) && time.Now().Before(deadline); {
			time.Sleep(100 * time.Millisecond)
			result, err = client.Apply(f.Context(), u.GetName(), &u, metav1.ApplyOptions{FieldManager: "test", Force: true})
		}
		if err != nil {
			f.Fatal(err)
		}
		applied.Objects = append(applied.Objects, *result)
	}
	applied.At = time.Now()
	return applied
}

// reports collects the reports of a runtime.
type reports struct {
	*fixture
	engine.Runtime
	request engine.RuntimeRequest

	mu  sync.Mutex
	all []engine.Report
}

func (f *fixture) start(w model.Workload, applied *deploy.Applied) *reports {
	f.Helper()
	if w.Readiness == "" {
		w.Readiness = model.PodReadinessWait
	}
	w.Resource, w.Cluster = "web", &model.Cluster{Namespace: f.namespace}
	r := &reports{fixture: f}
	r.request = engine.RuntimeRequest{Task: "web", Runtime: &w, Log: engine.NewLog(f.store, "web"), Output: applied,
		Report: func(report engine.Report) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.all = append(r.all, report)
		}}
	var err error
	if r.Runtime, err = f.runner.StartRuntime(r.request); err != nil {
		f.Fatal(err)
	}
	return r
}

// renew follows another deploy.
func (r *reports) renew(applied *deploy.Applied) {
	r.Helper()
	r.request.Output = applied
	if !r.Renew(r.request) {
		r.Fatal("the runtime can't be renewed")
	}
}

// await waits for a report that fits.
func (r *reports) await(what string, ok func(engine.Report) bool) engine.Report {
	r.Helper()
	var last engine.Report
	r.eventually(what, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.all) == 0 {
			return false
		}
		last = r.all[len(r.all)-1]
		return ok(last)
	})
	return last
}

func (r *reports) awaitPhase(phase engine.Phase) engine.Report {
	r.Helper()
	return r.await(fmt.Sprintf("phase %d", phase), func(report engine.Report) bool { return report.Phase == phase })
}

// phases are the phases that were reported, without repetitions.
func (r *reports) saw(phase engine.Phase) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, report := range r.all {
		if report.Phase == phase {
			return true
		}
	}
	return false
}

func (f *fixture) eventually(what string, ok func() bool) {
	f.Helper()
	for deadline := time.Now().Add(slow); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			f.Fatalf("not within %s: %s", slow, what)
		}
	}
}

func (f *fixture) log() string {
	var b strings.Builder
	for _, line := range f.store.Tail("web", 100_000) {
		b.WriteString(line.Text + "\n")
	}
	return b.String()
}

func deployment(replicas int, version string, args ...string) string {
	return fmt.Sprintf(`{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: %d,
  selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {terminationGracePeriodSeconds: 1,
  containers: [{name: app, image: IMAGE, args: [%s], env: [{name: VERSION, value: %q}],
  readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}, ports: [{containerPort: 8080}]}]}}}}`,
		replicas, strings.Join(args, ", "), version)
}

func job(policy, more string, args ...string) string {
	return fmt.Sprintf(`{apiVersion: batch/v1, kind: Job, metadata: {name: migrate}, spec: {backoffLimit: 1, template: {spec: {
  restartPolicy: %s, terminationGracePeriodSeconds: 1, containers: [{name: app, image: IMAGE, args: [%s] %s}]}}}}`,
		policy, strings.Join(args, ", "), more)
}

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

// outage lets connections through, or not.
type outage struct {
	mu    sync.Mutex
	away  bool
	conns []net.Conn
}

func (o *outage) dial(ctx context.Context, network, address string) (net.Conn, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.away {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err == nil {
		o.conns = append(o.conns, conn)
	}
	return conn, err
}

func (o *outage) set(away bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.away = away
	for _, conn := range o.conns {
		conn.Close()
	}
	o.conns = nil
}

func TestClusterServerAway(t *testing.T) {
	var o outage
	f := newFixture(t, func(config *rest.Config) { config.Dial = o.dial })
	r := f.start(model.Workload{}, f.apply(strings.Replace(deployment(1, "", "count=2500", "serve=:8080"),
		"httpGet: {path: /, port: 8080}", "exec: {command: [/image]}", 1)))
	r.awaitPhase(engine.Ready)
	time.Sleep(time.Second) // Some lines come before the outage.
	o.set(true)
	r.await("the outage", func(report engine.Report) bool {
		return report.Phase == engine.Ready && strings.Contains(report.Detail, "last known state")
	})
	time.Sleep(20 * time.Second)
	began := time.Now()
	o.set(false)
	r.await("the end of the outage", func(report engine.Report) bool {
		return report.Phase == engine.Ready && report.Detail == ""
	})
	t.Logf("recovered after %s", time.Since(began))
	f.eventually("the last line", func() bool { return strings.Contains(f.log(), " 2499\n") })
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
		next++
	}
	if next != 2500 {
		t.Errorf("%d lines", next)
	}
}

func TestClusterFewRights(t *testing.T) {
	name := ""
	f := newFixture(t, func(config *rest.Config) { config.Impersonate.UserName = "system:serviceaccount:" + name + ":default" })
	name = f.namespace
	f.apply(`{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: few}, rules: [
  {apiGroups: [""], resources: [pods, pods/log], verbs: [get, list, watch]}]}`,
		`{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: few}, subjects: [{kind: ServiceAccount, name: default}],
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: few}}`)
	r := f.start(model.Workload{}, f.apply(deployment(1, "", "print=here", "serve=:8080")))
	r.awaitPhase(engine.Ready)
	f.eventually("its log", func() bool { return strings.Contains(f.log(), "here\n") })
	for _, what := range []string{"can't watch events", "can't watch deployments", "can't tell the owners"} {
		if got := strings.Count(f.log(), what); got != 1 {
			t.Errorf("%q is told %d times", what, got)
		}
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
