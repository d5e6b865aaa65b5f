// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package manifest is what there is to know of Kubernetes objects without a cluster: how YAML becomes objects, which
// objects are workloads, how they are named and grouped, in which order they are applied, and how images get into
// them.
//
// Objects stay as they were written: a field that no type knows is kept. The functions never change the objects that
// they get; Inject returns changed copies. Objects have to be what Parse returns: maps, slices, strings, bools, int64,
// float64 and nil.
//
// Built-in kinds are told from custom resources by their group: that of a custom resource has a dot. Containers are
// looked for in every object, but only those of built-in kinds make an object a workload.
package manifest

import (
	"tilt.dev/session/pkg/model"
)

// Parse returns the objects in a text of YAML or JSON documents. Empty documents are skipped, and a list stands for
// its items. Each object has an apiVersion, a kind and a name. An error says which document is meant; the caller adds
// the source, as in "PATH is not a valid YAML file: " for a file, and "Error reading yaml from SOURCE: ".
func Parse(text []byte) ([]model.Object, error) { return nil, nil }

// Encode returns objects as YAML documents.
func Encode(objects []model.Object) ([]byte, error) { return nil, nil }

// ID identifies an object as it is written. Two objects of the same ID are duplicates. Namespace is empty for an
// object that names none.
type ID struct{ APIVersion, Kind, Namespace, Name string }

// IDOf returns the ID of an object.
func IDOf(o model.Object) ID { return ID{} }

// Group is the API group, empty for the core group.
func (id ID) Group() string { return "" }

// String is the ID in an error: "Deployment web (Namespace: dev)", without the parenthesis if it names no namespace.
func (id ID) String() string { return "" }

// Key returns the identity of the object, which it keeps in another version of its API.
func (id ID) Key() Key { return Key{} }

// Key identifies an object in any version of its API.
type Key struct{ Group, Kind, Namespace, Name string }

// Names are the names that a workload can have, from short to long: "name", "name:kind", "name:kind:namespace" and
// "name:kind:namespace:group". The kind is in lower case, a missing namespace is "default" and the core group "core".
func (id ID) Names() [4]string { return [4]string{} }

// FullName is the longest of Names, which the functions of workload_to_resource_function() get as a string.
func (id ID) FullName() string { return "" }

// ResourceNames returns the names of the resources of workloads: for each the shortest name that no other one has in
// the same form. Workloads of the same ID get their position in the list as a suffix.
func ResourceNames(workloads []model.Object) []string { return nil }

// DisplayNames is ResourceNames with at least name and kind, for logs: "web:deployment".
func DisplayNames(objects []model.Object) []string { return nil }

// MapNames returns the names that a function gives to workloads. Two workloads with the same name are an error.
func MapNames(workloads []model.Object, name func(ID) (string, error)) ([]string, error) { return nil, nil }

// Selector is a compiled model.ObjectSelector. An object without a namespace is in "default".
type Selector struct{}

// NewSelector compiles the regular expressions of a selector. The error names the one that is wrong.
func NewSelector(s model.ObjectSelector) (Selector, error) { return Selector{}, nil }

// Matches is true if all regular expressions match the object.
func (s Selector) Matches(o model.Object) bool { return false }

// Split returns the objects that a selector and all labels match, and the rest: filter_yaml().
func Split(objects []model.Object, s Selector, labels map[string]string) (matching, rest []model.Object) {
	return nil, nil
}

// Kind is a k8s_kind(): objects that are workloads, with or without image.
type Kind struct {
	Selector Selector
	// Readiness is empty if the call says nothing.
	Readiness model.PodReadiness
}

// DefaultKinds are the kinds that are there without k8s_kind(): Job, which has to succeed, and CronJob, which is ready
// when it's applied. Those of the Tiltfile come after them.
func DefaultKinds() []Kind { return nil }

// Locator is a compiled model.ImageLocator.
type Locator struct{}

// NewLocator compiles the selector and the JSONPath of a locator. A path can be written with and without braces.
// Places of references have to end with a field, an index or [*].
func NewLocator(l model.ImageLocator) (Locator, error) { return Locator{}, nil }

// Matches is true if the locator's selector matches the object.
func (l Locator) Matches(o model.Object) bool { return false }

// ImageMatcher tells which references mean an image of the project.
type ImageMatcher struct{}

// NewImageMatcher returns the matcher of an image's name. Exact matches the tag of the name, otherwise any tag and
// digest matches.
func NewImageMatcher(name string, exact bool) (ImageMatcher, error) { return ImageMatcher{}, nil }

// Matches is true if a reference means the image. Names are normalized: "redis" is "docker.io/library/redis".
func (m ImageMatcher) Matches(reference string) bool { return false }

// Images returns the references in an object as they are written, each once, in a stable order: those of containers,
// of init containers and of image volumes, those at the places of the locators that match the object, and the values
// of environment variables that a matcher of inEnv matches.
func Images(o model.Object, locators []Locator, inEnv []ImageMatcher) ([]string, error) { return nil, nil }

// IsWorkload is true for an object that gets a resource of its own: it matches one of the kinds, or it has images and
// is of a built-in kind, or it has images at the places of the locators.
func IsWorkload(o model.Object, kinds []Kind, locators []Locator, inEnv []ImageMatcher) (bool, error) {
	return false, nil
}

// PodTemplates returns the pod templates of an object of a built-in kind. They are parts of the object.
func PodTemplates(o model.Object) []map[string]any { return nil }

// PodLabels returns the labels of the pods of each pod template of the object.
func PodLabels(o model.Object) []map[string]string { return nil }

// ServicesOf returns for each object the index of the workload that it belongs to as its Service, or -1. A Service
// belongs to the first workload whose pods its selector matches, unless it's in another namespace.
func ServicesOf(workloads, objects []model.Object) []int { return nil }

// Readiness returns when a resource of the objects is ready: as explicit says, or as their kinds say, where wait
// beats ignore and ignore beats succeeded. Workloads of other kinds are waited for. A group without workloads, image
// and further selectors is ready when it's applied; the caller tells by group that nothing but objects makes it up.
func Readiness(explicit model.PodReadiness, objects []model.Object, kinds []Kind, group bool) model.PodReadiness {
	return ""
}

// Pick returns the index of the object that a fragment "name[:kind[:namespace]]" of k8s_resource(objects=) identifies.
// Parts are compared whole and without case; "\:" is a colon in a part. Free says which objects don't belong to a
// workload: it has to be one of these, and the only one.
func Pick(fragment string, objects []model.Object, free func(index int) bool) (int, error) { return 0, nil }

// Batch are objects that can be applied in parallel.
type Batch struct {
	Objects []model.Object
	// Await is true if the next batch needs these objects to be established: Namespaces and CustomResourceDefinitions.
	Await bool
}

// ApplyOrder returns the objects in the order in which they are applied.
func ApplyOrder(objects []model.Object) []Batch { return nil }

// DeleteOrder returns the objects in the order in which they are deleted, the reverse of ApplyOrder.
func DeleteOrder(objects []model.Object) []Batch { return nil }

// Keys of labels and annotations that Inject sets.
const (
	// ResourceKey is a label and an annotation of every object: the name of its resource. The label has a hash of a
	// name that can't be a label.
	ResourceKey = "session.tilt.dev/resource"
	// PodTemplateHashLabel is a label of pod templates that tells the pods of a deploy from older ones. A later
	// deploy of the same template has the same value.
	PodTemplateHashLabel = "tilt.dev/pod-template-hash"
)

// Mark is by what objects are found again.
type Mark struct {
	// Resource is the name of the resource, empty for none.
	Resource string
	// Annotations are further annotations of every object. They aren't put on pod templates.
	Annotations map[string]string
}

// Inject returns copies of objects with built images and marks.
func Inject(objects []model.Object, uses []model.ImageUse, built map[string]model.BuiltImage, mark Mark) (
	[]model.Object, error,
) {
	return nil, nil
}

// ResourceLabel returns the value of the label ResourceKey for a resource.
func ResourceLabel(resource string) string { return "" }

// PodTemplateHash returns the hash of a pod template, which is the same with and without its label.
func PodTemplateHash(template map[string]any) string { return "" }

// PodTemplateHashes returns the values of PodTemplateHashLabel in objects.
func PodTemplateHashes(objects []model.Object) []string { return nil }

// Secrets returns the values of Secrets that logs must not show: those of at least 5 bytes.
func Secrets(objects []model.Object) []model.Secret { return nil }
