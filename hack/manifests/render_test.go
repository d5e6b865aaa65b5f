// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package manifests_test

import (
	"path/filepath"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

const (
	folder    = "../../api/deploy/kubernetes"
	namespace = "tilt-session"
)

// installation is everything that one kustomization applies.
type installation struct{ objects []runtime.Object }

// eachInstallation has a test look at the base and at every overlay.
func eachInstallation(t *testing.T, check func(t *testing.T, i *installation)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "overlays", "*", "kustomization.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no overlays: %v", err)
	}
	for _, file := range append(files, filepath.Join(folder, "base", "kustomization.yaml")) {
		directory := filepath.Dir(file)
		t.Run(filepath.Base(directory), func(t *testing.T) {
			t.Parallel()
			check(t, render(t, directory))
		})
	}
}

// render builds a kustomization. Fields that kube-apiserver doesn't know, and those
// that are there twice, fail the test.
func render(t *testing.T, directory string) *installation {
	t.Helper()
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), directory)
	if err != nil {
		t.Fatalf("building %s: %v", directory, err)
	}
	scheme := runtime.NewScheme()
	utilruntime.Must(clientscheme.AddToScheme(scheme))
	utilruntime.Must(apiregistrationv1.AddToScheme(scheme))
	strict := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	i := &installation{}
	for _, resource := range resources.Resources() {
		encoded, err := resource.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		object, _, err := strict.Decode(encoded, nil, nil)
		if err != nil {
			t.Fatalf("%s: %v", resource.CurId(), err)
		}
		i.objects = append(i.objects, object)
	}
	return i
}

// all returns the objects of a type.
func all[T any](i *installation) []*T {
	var found []*T
	for _, object := range i.objects {
		if o, ok := object.(any).(*T); ok {
			found = append(found, o)
		}
	}
	return found
}

// the returns the one object of a type with a name.
func the[T any](t *testing.T, i *installation, name string) *T {
	t.Helper()
	for _, o := range all[T](i) {
		if any(o).(metav1.Object).GetName() == name {
			return o
		}
	}
	t.Fatalf("there's no %T %s", new(T), name)
	return nil
}

// workload is what has pods.
type workload struct {
	name     string
	replicas *int32
	selector *metav1.LabelSelector
	pods     corev1.PodTemplateSpec
}

func (i *installation) workloads() []workload {
	var found []workload
	for _, d := range all[appsv1.Deployment](i) {
		found = append(found, workload{d.Name, d.Spec.Replicas, d.Spec.Selector, d.Spec.Template})
	}
	for _, s := range all[appsv1.StatefulSet](i) {
		found = append(found, workload{s.Name, s.Spec.Replicas, s.Spec.Selector, s.Spec.Template})
	}
	return found
}
