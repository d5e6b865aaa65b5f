// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"k8s.io/apimachinery/pkg/util/validation"

	"tilt.dev/session/pkg/model"
)

// Objects collects the API objects that a Tiltfile defines with v1alpha1.
type Objects struct {
	evaluation *Evaluation
	// taken are the names in use, each after the builtin that defines the object.
	taken       map[string]bool
	commands    []*apiCommand
	buttons     []model.Button
	configMaps  map[string]StringMap
	fileWatches map[string]*fileWatch
}

// NewObjects returns the objects of an evaluation.
func NewObjects(e *Evaluation) *Objects {
	return &Objects{
		evaluation: e, taken: map[string]bool{}, configMaps: map[string]StringMap{}, fileWatches: map[string]*fileWatch{},
	}
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
	addPart[probePart](l)
	addPart[handler](l)
	addPart[execAction](l)
	addPart[httpGetAction](l)
	addPart[httpHeader](l)
	addPart[tcpSocketAction](l)
	addPart[uiComponentLocation](l)
	addPart[uiInputSpec](l)
	addPart[uiTextInputSpec](l)
	addPart[uiBoolInputSpec](l)
	addPart[uiChoiceInputSpec](l)
	addPart[uiHiddenInputSpec](l)
	return l
}

// Metadata has the parameters of every object. A builtin embeds it first.
type Metadata struct {
	Name        ResourceName `arg:"name"`
	Labels      StringMap    `arg:"labels??"`
	Annotations StringMap    `arg:"annotations??"`
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
	Data StringMap `arg:"data??"`
}) (starlark.Value, error) {
	for key := range a.Data {
		if problems := validation.IsConfigMapKey(key); len(problems) > 0 {
			return nil, fmt.Errorf("invalid key %q in data: %s", key, strings.Join(problems, ", "))
		}
	}
	o.configMaps[a.name()] = a.Data
	return nil, nil
}

// Part is embedded in the struct for a piece of an API object, such as the location of a button, with the full name
// of its builtin as a tag:
//
//	type ignoreDef struct {
//		Part `builtin:"v1alpha1.ignore_def"`
//		Base Path `arg:"base_path??"`
//	}
//
// A part is a dict of arguments. The builtin checks them and returns the dict; a Tiltfile may also write the dict
// itself. A pointer to the struct may have a method check, which returns an error for arguments that don't go together.
type Part struct{}

// partName returns the full name of the builtin of a type of parts.
func partName[T any]() string {
	embedded, _ := reflect.TypeFor[T]().FieldByName("Part")
	return embedded.Tag.Get("builtin")
}

// addPart adds the builtin of a type of parts to a library.
func addPart[T any](l Library) {
	l[partName[T]()] = builtin(partName[T](), func(c *Call) (starlark.Value, error) {
		p, err := newPart[T](c)
		if err != nil {
			return nil, err
		}
		return c.given(p)
	})
}

// newPart returns the part that a call stands for.
func newPart[T any](c *Call) (*T, error) {
	p := new(T)
	if err := c.Unpack(p); err != nil {
		return nil, err
	}
	if p, ok := any(p).(interface{ check() error }); ok {
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	return p, nil
}

// partOf is an argument that is a part. The part is nil when it is left out.
type partOf[T any] struct{ part *T }

func (a *partOf[T]) Unpack(v starlark.Value) (err error) {
	dict, ok := v.(*starlark.Dict)
	if !ok {
		return fmt.Errorf("got %s, want %s or dict", v.Type(), partName[T]())
	}
	for _, key := range dict.Keys() {
		if _, ok := starlark.AsString(key); !ok {
			return fmt.Errorf("got %s as the name of an argument, want string", key.Type())
		}
	}
	a.part, err = newPart[T](&Call{Name: partName[T](), Kwargs: dict.Items()})
	return err
}

// partList is an argument that is a list of parts.
type partList[T any] []*T

func (l *partList[T]) Unpack(v starlark.Value) error {
	if !isList(v) {
		return fmt.Errorf("got %s, want list of %s", v.Type(), partName[T]())
	}
	for _, element := range ElementsOf(v) {
		var a partOf[T]
		if err := a.Unpack(element); err != nil {
			return err
		}
		*l = append(*l, a.part)
	}
	return nil
}

// exactlyOne returns an error unless one of the choices is true.
func exactlyOne(names string, choices ...bool) error {
	if given := slices.DeleteFunc(choices, func(choice bool) bool { return !choice }); len(given) != 1 {
		return errors.New("exactly one of " + names + " must be specified")
	}
	return nil
}
