// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/managedfields"
	openapinamer "k8s.io/apiserver/pkg/endpoints/openapi"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/kube-openapi/pkg/builder3"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/yaml"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/generated/openapi"
)

// FuzzApply applies a patch to a Session that doesn't exist yet and to the status of one that does. An
// accepted patch leads to a Session that can be stored and read without a change, changes only what the resource may
// change, and has no effect when it is applied again.
func FuzzApply(f *testing.F) {
	const head = "apiVersion: tilt.dev/v1alpha1\nkind: Session\nmetadata:\n  name: a\n"
	const spec = "spec: {tiltfilePath: /src/Tiltfile, exitCondition: ci}\n"
	for _, patch := range []string{
		head + spec,
		head + "  labels: {team: web}\n  finalizers: [tilt.dev/x]\nspec: {tiltfilePath: /t, exitCondition: ci, ci: {timeout: 90s, k8sGracePeriod: 0s}}\n",
		head + spec + "status: {pid: 7, startTime: null, done: false, targets: []}\n",
		head + "status: {pid: 7, startTime: '2026-01-02T03:04:05.000006Z', done: true, error: failed, targets: [{name: 'web:serve', type: server, resources: [web], state: {active: {ready: true, startTime: '2026-01-02T03:04:05.1Z'}}}]}\n",
		head + "  deletionTimestamp: '2026-01-02T03:04:05Z'\n  deletionGracePeriodSeconds: 5\n" + spec,
		head + "status: {conditions: [{type: Ready, status: 'False', reason: Running, message: '', lastTransitionTime: '2026-01-02T03:04:05Z'}]}\n",
		`{"apiVersion":"tilt.dev/v1alpha1","kind":"Session","metadata":{"name":"a","annotations":{"a":"b"}},"spec":{"tiltfilePath":"/src/Tiltfile","exitCondition":"manual"}}`,
		`{"apiVersion":"tilt.dev/v1alpha1","kind":"Session","metadata":{"name":"a","uid":"1","generation":5,"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"c","uid":"2"}]},"spec":{"tiltfilePath":"/src/Tiltfile","exitCondition":"ci","ci":null}}`,
		`{"apiVersion":"tilt.dev/v1alpha1","kind":"Session","metadata":{"name":"a"},"status":{"targets":[{"name":"t","type":"job","resources":["r"],"state":{"terminated":{"startTime":null,"finishTime":null,"error":"x","exitCode":2,"signal":"killed"}}}]}}`,
	} {
		f.Add([]byte(patch))
	}
	server := newApplier(f)
	f.Fuzz(func(t *testing.T, patch []byte) {
		server.checkMain(t, patch)
		server.checkStatus(t, patch)
	})
}

// applier does what the server does between the body of an apply request and its storage.
type applier struct {
	scheme       *runtime.Scheme
	codec        runtime.Codec
	main, status *managedfields.FieldManager
	strategy     strategy
}

func newApplier(t testing.TB) *applier {
	t.Helper()
	scheme := serverScheme(t)
	served := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(served); err != nil {
		t.Fatal(err)
	}
	config := genericapiserver.DefaultOpenAPIV3Config(openapi.GetOpenAPIDefinitions, openapinamer.NewDefinitionNamer(served))
	schemas, err := builder3.BuildOpenAPIDefinitionsForResources(config, v1alpha1.Session{}.OpenAPIModelName())
	if err != nil {
		t.Fatal(err)
	}
	converter, err := managedfields.NewTypeConverter(schemas, false)
	if err != nil {
		t.Fatal(err)
	}
	s := newStrategy(scheme)
	manager := func(subresource string, strategy rest.ResetFieldsStrategy) *managedfields.FieldManager {
		manager, err := managedfields.NewDefaultFieldManager(converter, runtime.UnsafeObjectConvertor(scheme), scheme, scheme,
			v1alpha1.SchemeGroupVersion.WithKind("Session"), v1alpha1.Kind("Session").WithVersion(runtime.APIVersionInternal).GroupVersion(),
			subresource, fieldpath.NewExcludeFilterSetMap(strategy.GetResetFields()))
		if err != nil {
			t.Fatal(err)
		}
		return manager
	}
	return &applier{
		scheme: scheme, codec: storageCodec(scheme), strategy: s,
		main: manager("", s), status: manager("status", statusStrategy{s}),
	}
}

func (a *applier) checkMain(t *testing.T, patch []byte) {
	created := apply(a.main, &v1alpha1.Session{}, patch)
	if created == nil || created.UID != "" { // With a uid it's a conflict.
		return
	}
	deletes := created.DeletionTimestamp != nil || created.DeletionGracePeriodSeconds != nil
	rest.FillObjectMetaSystemFields(created)
	if !accepted(t, rest.BeforeCreate(a.strategy, inNoNamespace(t), created)) {
		return
	}
	if status := (v1alpha1.SessionStatus{Targets: []v1alpha1.Target{}}); !apiequality.Semantic.DeepEqual(created.Status, status) || created.Generation != 1 {
		t.Errorf("created with generation %d and status %+v", created.Generation, created.Status)
	}
	if created.DeletionTimestamp != nil || created.DeletionGracePeriodSeconds != nil {
		t.Errorf("created with a deletion: %+v", created.ObjectMeta)
	}
	if deletes {
		// An apply to an existing Session can't delete it, so it is refused.
		return
	}
	a.checkStored(t, created, patch, a.main, a.strategy)
}

func (a *applier) checkStatus(t *testing.T, patch []byte) {
	live := stored()
	live.UID, live.CreationTimestamp = "u", metav1.NewTime(epoch)
	live.Status.Targets[0].Type = v1alpha1.TargetTypeJob
	updated := apply(a.status, live.DeepCopy(), patch)
	if updated == nil || !accepted(t, rest.BeforeUpdate(statusStrategy{a.strategy}, inNoNamespace(t), updated, live)) {
		return
	}
	want := live.DeepCopy()
	want.TypeMeta, want.Status, want.ManagedFields = updated.TypeMeta, updated.Status, updated.ManagedFields
	if diff := cmp.Diff(want, updated); diff != "" {
		t.Errorf("changed beside the status (-want +got):\n%s", diff)
	}
	a.checkStored(t, updated, patch, a.status, statusStrategy{a.strategy})
}

// checkStored expects that an accepted Session is the same after it was stored,
// and when the patch that led to it is applied again.
func (a *applier) checkStored(t *testing.T, session *v1alpha1.Session, patch []byte, manager *managedfields.FieldManager, strategy rest.RESTUpdateStrategy) {
	text, err := runtime.Encode(a.codec, session)
	if err != nil {
		t.Fatalf("storing the accepted Session: %v", err)
	}
	read, err := runtime.Decode(a.codec, text)
	if err != nil {
		t.Fatalf("reading the stored Session: %v\n%s", err, text)
	}
	again, err := runtime.Encode(a.codec, read)
	if err != nil {
		t.Fatalf("storing the read Session: %v", err)
	}
	if diff := cmp.Diff(string(text), string(again)); diff != "" {
		t.Fatalf("stored a second time (-first +second):\n%s", diff)
	}
	live := read.(*v1alpha1.Session)
	live.ResourceVersion = "8"
	repeated := apply(manager, live.DeepCopy(), patch)
	if repeated == nil {
		t.Fatalf("can't be applied again:\n%s", text)
	}
	repeated.TypeMeta, repeated.ManagedFields = live.TypeMeta, live.ManagedFields
	if !accepted(t, rest.BeforeUpdate(strategy, inNoNamespace(t), repeated, live)) {
		t.Fatalf("is refused when it is applied again:\n%s", text)
	}
	if diff := cmp.Diff(live, repeated); !apiequality.Semantic.DeepEqual(live, repeated) {
		t.Fatalf("changed by applying once more (-before +after):\n%s", diff)
	}
}

// apply returns the merged Session, or nil if the patch can't be applied to it.
func apply(manager *managedfields.FieldManager, live *v1alpha1.Session, patch []byte) *v1alpha1.Session {
	applied := &unstructured.Unstructured{Object: map[string]any{}}
	if err := yaml.Unmarshal(patch, &applied.Object); err != nil {
		return nil
	}
	merged, err := manager.Apply(live, applied, "fuzz", true)
	if err != nil {
		return nil
	}
	session := merged.(*v1alpha1.Session)
	if session.Name == "" {
		session.Name = "a"
	}
	return session
}

func inNoNamespace(t testing.TB) context.Context {
	return request.WithNamespace(t.Context(), "")
}
