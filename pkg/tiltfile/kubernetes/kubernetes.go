// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kubernetes has the builtins by which a Tiltfile declares what is deployed to a Kubernetes cluster: objects,
// what they are grouped to and how they are shown, charts and kustomizations, and the contexts that are allowed.
//
// Objects are only registered while the Tiltfiles are executed. Resources groups them afterwards, all at once, so that
// k8s_resource() may precede the k8s_yaml() that it is about:
//
//   - Each workload makes a resource: an object that a k8s_kind() selects, or one with images. Package manifest says
//     what is a workload and how it is named.
//   - Services join the workload that they select, and objects with a pod template but without an image a resource of
//     their name.
//   - The calls of k8s_resource() follow in their order: new names, further objects, groups of objects.
//   - What is left is the resource "uncategorized". All other Kubernetes resources depend on it.
//
// Nothing here contacts a cluster. See builtins.Cluster for what a Tiltfile may do with a context that isn't allowed.
//
// helm() runs the user's helm; helm 2 isn't supported. kustomize() needs no program unless the Tiltfile names one or
// gives flags; git fetches remote bases. The library prints its warnings of deprecated fields to standard error.
//
// The steps of k8s_custom_deploy(live_update=) are checked and kept. A change of any of its files is a whole deploy.
package kubernetes

import (
	"maps"

	"go.starlark.net/syntax"

	"tilt.dev/session/pkg/kube/manifest"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/builtins"
	"tilt.dev/session/pkg/tiltfile/images"
)

// Kubernetes is what the Tiltfiles of one evaluation declare of a cluster.
type Kubernetes struct {
	evaluation *builtins.Evaluation
	environ    *builtins.Environ
	images     *images.Images
	// objects are in the order of their registration, and options and customs in that of the calls.
	objects []*object
	// first is the first object of each ID.
	first   map[manifest.ID]*object
	options []*options
	customs []*resource
	kinds   []*kind
	// paths are those of k8s_image_json_path().
	paths  []*imagePaths
	naming *naming
}

// object is an object of k8s_yaml().
type object struct {
	model.Object
	scope    *builtins.Scope
	position syntax.Position
	// stack are the calls that registered it.
	stack string
}

// New returns what an evaluation declares. Commands run in the environment.
func New(e *builtins.Evaluation, environ *builtins.Environ, images *images.Images) *Kubernetes {
	return &Kubernetes{evaluation: e, environ: environ, images: images, first: map[manifest.ID]*object{}}
}

// Library returns the builtins.
func (k *Kubernetes) Library() builtins.Library {
	l := builtins.Functions(map[string]builtins.Function{
		"allow_k8s_contexts": builtins.Unpacking(k.allowContexts),
		"helm":               builtins.Unpacking(k.helm),
		"k8s_context":        builtins.Unpacking(k.context),
		"k8s_custom_deploy":  k.customDeploy,
		"k8s_namespace":      builtins.Unpacking(k.namespace),
		"k8s_resource":       k.resource,
		"k8s_yaml":           k.yaml,
		"kustomize":          builtins.Unpacking(k.kustomize),
		"port_forward":       builtins.Unpacking(makePortForward),
	})
	maps.Copy(l, k.kindLibrary())
	return l
}

// WatchedPaths returns the files and directories that deploys depend on.
func (k *Kubernetes) WatchedPaths() []string {
	var paths []string
	for _, r := range k.customs {
		paths = append(paths, r.deps...)
	}
	return paths
}
