// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Objects collects the API objects that a Tiltfile defines with v1alpha1.
type Objects struct {
	evaluation *Evaluation
	resources  *Resources
	// taken are the names in use, each after the builtin that defines the object.
	taken       map[string]bool
	commands    []*apiCommand
	configMaps  map[string]stringMap
	fileWatches map[string]*fileWatch
}

// NewObjects returns the objects of an evaluation, which may refer to resources.
func NewObjects(e *Evaluation, r *Resources) *Objects {
	return &Objects{e, r, map[string]bool{}, nil, map[string]stringMap{}, map[string]*fileWatch{}}
}

// Library returns the builtins that define objects and their parts.
func (o *Objects) Library() Library {
	l := Functions(map[string]Function{
		"v1alpha1.cmd":        Defining(o, o.command),
		"v1alpha1.config_map": Defining(o, o.configMap),
		"v1alpha1.file_watch": Defining(o, o.fileWatch),
		"v1alpha1.ui_button":  Defining(o, o.button),
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

// Metadata has the parameters of every object. A builtin embeds it first.
type Metadata struct {
	Name        resourceName `arg:"name"`
	Labels      stringMap    `arg:"labels??"`
	Annotations stringMap    `arg:"annotations??"`
}

func (m Metadata) name() string { return string(m.Name) }

// Defining returns the Function that calls f to define an object. P is the struct for its parameters, which embeds
// Metadata. The name must be new among the objects of its kind.
func Defining[P interface{ name() string }](o *Objects, f func(*Call, P) (starlark.Value, error)) Function {
	return func(c *Call) (starlark.Value, error) {
		var a P
		if err := c.Unpack(&a); err != nil {
			return nil, err
		}
		key := c.Name + " " + a.name()
		if o.taken[key] {
			return nil, fmt.Errorf("%s named %q already exists", c.Name, a.name())
		}
		o.taken[key] = true
		return f(c, a)
	}
}

// configMap is v1alpha1.config_map(name, ...). It can disable other objects; nothing else reads it.
func (o *Objects) configMap(_ *Call, a struct {
	Metadata
	Data stringMap `arg:"data??"`
}) (starlark.Value, error) {
	for key := range a.Data {
		if problems := validation.IsConfigMapKey(key); len(problems) > 0 {
			return nil, fmt.Errorf("invalid key %q in data: %s", key, strings.Join(problems, ", "))
		}
	}
	o.configMaps[a.name()] = a.Data
	return nil, nil
}
