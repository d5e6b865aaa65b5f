//go:build cluster

// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

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

// The tests run on the cluster of KUBECONFIG, each in a namespace of its own. testImage is an image that the node can
// pull, made from testdata/image: `CGO_ENABLED=0 go build -o image .`, then `docker build`.
var testImage = os.Getenv("TEST_IMAGE")

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
		client, _, err := f.connection.Resource(f.Context(), u.GroupVersionKind(), f.namespace)
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
