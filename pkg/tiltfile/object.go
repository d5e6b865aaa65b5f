// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"
	"k8s.io/apimachinery/pkg/util/validation"
)

// apiObjects are the objects that a Tiltfile defines with v1alpha1.
type apiObjects struct {
	// taken are the names that are in use, each after the builtin that defines
	// such objects.
	taken        map[string]bool
	commands     []*apiCommand
	configMaps   map[string]stringMap
	fileWatches  map[string]*fileWatch
	repositories []*extensionRepo
	extensions   []*extension
}

func newAPIObjects() apiObjects {
	return apiObjects{
		taken:       map[string]bool{},
		configMaps:  map[string]stringMap{},
		fileWatches: map[string]*fileWatch{},
	}
}

// objectLibrary has the objects of Tilt's API and their parts.
func (e *evaluation) objectLibrary() library {
	l := functions(map[string]function{
		"v1alpha1.cmd":            e.defineCommand,
		"v1alpha1.config_map":     e.defineConfigMap,
		"v1alpha1.extension":      e.defineExtension,
		"v1alpha1.extension_repo": e.defineExtensionRepo,
		"v1alpha1.file_watch":     e.defineFileWatch,
		"v1alpha1.ui_button":      e.defineButton,
	})
	addPart[configMapDisableSource](l)
	addPart[disableSource](l)
	addPart[ignoreDef](l)
	addPart[restartOnSpec](l)
	addPart[startOnSpec](l)
	addProbeParts(l)
	addButtonParts(l)
	return l
}

// metadata are the arguments that every object has.
type metadata struct {
	name                resourceName
	labels, annotations stringMap
}

// define unpacks the arguments of an object, those beyond its metadata into
// pairs, and takes its name.
func (o *apiObjects) define(fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple, m *metadata, pairs ...any) error {
	pairs = append([]any{"name", &m.name, "labels??", &m.labels, "annotations??", &m.annotations}, pairs...)
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, pairs...); err != nil {
		return err
	}
	key := fn.Name() + " " + string(m.name)
	if o.taken[key] {
		return fmt.Errorf("%s named %q already exists", fn.Name(), m.name)
	}
	o.taken[key] = true
	return nil
}

// defineConfigMap is v1alpha1.config_map(name, labels, annotations, data). It
// can disable other objects, nothing else reads it.
func (e *evaluation) defineConfigMap(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var m metadata
	var data stringMap
	if err := e.objects.define(fn, args, kwargs, &m, "data??", &data); err != nil {
		return nil, err
	}
	for key := range data {
		if problems := validation.IsConfigMapKey(key); len(problems) > 0 {
			return nil, fmt.Errorf("invalid key %q in data: %s", key, strings.Join(problems, ", "))
		}
	}
	e.objects.configMaps[string(m.name)] = data
	return starlark.None, nil
}
