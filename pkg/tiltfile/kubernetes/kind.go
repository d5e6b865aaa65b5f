// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubernetes

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/kube/manifest"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/builtins"
)

// kindLibrary returns the builtins that say what workloads are, how they are named and where images are in them.
func (k *Kubernetes) kindLibrary() builtins.Library {
	return builtins.Functions(map[string]builtins.Function{
		"k8s_image_json_path":           builtins.Unpacking(k.imageJSONPath),
		"k8s_kind":                      builtins.Unpacking(k.kind),
		"workload_to_resource_function": k.workloadToResource,
	})
}

// kind is a call of k8s_kind().
type kind struct {
	selector model.ObjectSelector
	compiled manifest.Kind
	locators []locator
}

// locator is a place of images in both forms.
type locator struct {
	model.ImageLocator
	compiled manifest.Locator
}

// imagePaths is a call of k8s_image_json_path().
type imagePaths struct {
	selector model.ObjectSelector
	locators []locator
}

// kind is k8s_kind(kind, *, image_json_path=[], api_version="", image_object={}, pod_readiness=""). A second call with
// the same kind and api_version replaces the first.
func (k *Kubernetes) kind(a struct {
	Kind         string              `arg:"kind"`
	JSONPath     builtins.StringList `arg:"image_json_path??,keyword"`
	APIVersion   string              `arg:"api_version??,keyword"`
	Object       imageObject         `arg:"image_object??,keyword"`
	PodReadiness readiness           `arg:"pod_readiness??,keyword"`
}) (starlark.Value, error) {
	if a.Object.ImageObject != nil && len(a.JSONPath) > 0 {
		//lint:ignore ST1005 The words that users of Tilt know.
		return nil, errors.New("Cannot specify both image_json_path and image_object")
	}
	k.cluster().Deploys()
	selector := model.ObjectSelector{Kind: a.Kind, APIVersion: a.APIVersion}
	compiled, err := manifest.NewSelector(selector)
	if err != nil {
		return nil, err
	}
	added := &kind{
		selector: selector,
		compiled: manifest.Kind{Selector: compiled, Readiness: model.PodReadiness(a.PodReadiness)},
	}
	places := imagePlaces(selector, a.JSONPath)
	if a.Object.ImageObject != nil {
		places = []model.ImageLocator{{Selector: selector, Object: a.Object.ImageObject}}
	}
	if added.locators, err = compileLocators(places); err != nil {
		return nil, err
	}
	k.kinds = slices.DeleteFunc(k.kinds, func(other *kind) bool { return other.selector == selector })
	k.kinds = append(k.kinds, added)
	return nil, nil
}

// imageJSONPath is k8s_image_json_path(paths, api_version="", kind="", name="", namespace=""). A second call with the
// same selector replaces the first.
func (k *Kubernetes) imageJSONPath(a struct {
	Paths      builtins.StringList `arg:"paths"`
	APIVersion string              `arg:"api_version??"`
	Kind       string              `arg:"kind??"`
	Name       string              `arg:"name??"`
	Namespace  string              `arg:"namespace??"`
}) (starlark.Value, error) {
	switch {
	case len(a.Paths) == 0:
		return nil, errors.New("paths cannot be empty")
	case a.Kind == "" && a.Name == "" && a.Namespace == "":
		return nil, errors.New("at least one of kind, name, or namespace must be specified")
	}
	k.cluster().Deploys()
	selector := model.ObjectSelector{APIVersion: a.APIVersion, Kind: a.Kind, Name: a.Name, Namespace: a.Namespace}
	locators, err := compileLocators(imagePlaces(selector, a.Paths))
	if err != nil {
		return nil, err
	}
	k.paths = slices.DeleteFunc(k.paths, func(other *imagePaths) bool { return other.selector == selector })
	k.paths = append(k.paths, &imagePaths{selector, locators})
	return nil, nil
}

func imagePlaces(selector model.ObjectSelector, paths []string) []model.ImageLocator {
	var places []model.ImageLocator
	for _, path := range paths {
		places = append(places, model.ImageLocator{Selector: selector, Path: path})
	}
	return places
}

func compileLocators(places []model.ImageLocator) ([]locator, error) {
	var locators []locator
	for _, place := range places {
		compiled, err := manifest.NewLocator(place)
		if err != nil {
			return nil, err
		}
		locators = append(locators, locator{place, compiled})
	}
	return locators, nil
}

// imageObject is a dict with the fields of a model.ImageObject.
type imageObject struct{ *model.ImageObject }

// Unpack implements starlark.Unpacker.
func (o *imageObject) Unpack(v starlark.Value) error {
	var fields builtins.StringMap
	if err := fields.Unpack(v); err != nil {
		return err
	}
	o.ImageObject = &model.ImageObject{
		Path: fields["json_path"], RepoField: fields["repo_field"], TagField: fields["tag_field"],
	}
	if len(fields) != 3 || o.Path == "" || o.RepoField == "" || o.TagField == "" {
		return fmt.Errorf("must have the keys json_path, repo_field and tag_field, and no others; got %s",
			strings.Join(slices.Sorted(maps.Keys(fields)), ", "))
	}
	return nil
}

// readiness is a mode of pod readiness, empty for the default.
type readiness model.PodReadiness

// Unpack implements starlark.Unpacker.
func (r *readiness) Unpack(v starlark.Value) error {
	text, ok := starlark.AsString(v)
	switch mode := model.PodReadiness(text); mode {
	case "", model.PodReadinessWait, model.PodReadinessIgnore, model.PodReadinessSucceeded:
		if ok {
			*r = readiness(mode)
			return nil
		}
	}
	//lint:ignore ST1005 The words that users of Tilt know.
	return fmt.Errorf("Invalid value. Allowed: {ignore, wait, succeeded}. Got: %s", v)
}

// naming is the function of workload_to_resource_function().
type naming struct {
	function starlark.Callable
	position string
}

// workloadToResource is workload_to_resource_function(func).
func (k *Kubernetes) workloadToResource(c *builtins.Call) (starlark.Value, error) {
	var a struct {
		Function starlark.Callable `arg:"func"`
	}
	if err := c.Unpack(&a); err != nil {
		return nil, err
	}
	if f, ok := a.Function.(*starlark.Function); ok && f.NumParams() != 1 {
		return nil, fmt.Errorf("workload_to_resource_function arg must take 1 argument. %s takes %d",
			f.Name(), f.NumParams())
	}
	k.cluster().Deploys()
	k.naming = &naming{a.Function, c.Position().String()}
	return nil, nil
}

// name calls the function for a workload.
func (n *naming) name(thread *starlark.Thread, id manifest.ID) (string, error) {
	result, err := starlark.Call(thread, n.function, starlark.Tuple{objectID(id)}, nil)
	if err != nil {
		return "", err
	}
	name, ok := starlark.AsString(result)
	if !ok {
		return "", fmt.Errorf("%s: workload_to_resource_function returned %s of type %s for %s, want string",
			n.position, result, result.Type(), id.FullName())
	}
	return name, nil
}

// objectID is the identity of a workload as the function of workload_to_resource_function() gets it.
type objectID manifest.ID

var _ starlark.HasAttrs = objectID{}

func (o objectID) String() string        { return manifest.ID(o).FullName() }
func (o objectID) Type() string          { return "K8sObjectID" }
func (o objectID) Freeze()               {}
func (o objectID) Truth() starlark.Bool  { return true }
func (o objectID) Hash() (uint32, error) { return starlark.String(o.String()).Hash() }
func (o objectID) AttrNames() []string   { return []string{"group", "kind", "name", "namespace"} }

// Attr implements starlark.HasAttrs.
func (o objectID) Attr(name string) (starlark.Value, error) {
	switch name {
	case "group":
		return starlark.String(manifest.ID(o).Group()), nil
	case "kind":
		return starlark.String(o.Kind), nil
	case "name":
		return starlark.String(o.Name), nil
	case "namespace":
		return starlark.String(cmp.Or(o.Namespace, "default")), nil
	}
	return nil, nil
}
