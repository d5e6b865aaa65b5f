// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Part is embedded in the struct for a piece of an API object, such as the location of a button, with the full name
// of its builtin as a tag:
//
//	type ignoreDef struct {
//		Part `builtin:"v1alpha1.ignore_def"`
//		Base Path `arg:"base_path??"`
//	}
//
// A Tiltfile writes a part as a call of its builtin, or as a dict with the arguments of that call. A pointer to the
// struct may have a method check, which returns an error for arguments that don't go together.
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
		given, err := c.given(p)
		return &partValue[T]{given, p}, err
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

// partValue is a part as a Tiltfile holds it: a frozen dict of the arguments.
type partValue[T any] struct {
	*starlark.Dict
	part *T
}

var _ starlark.Comparable = (*partValue[ignoreDef])(nil)

func (*partValue[T]) builtin() string { return partName[T]() }

// CompareSameType implements starlark.Comparable.
func (v *partValue[T]) CompareSameType(op syntax.Token, y starlark.Value, depth int) (bool, error) {
	return v.Dict.CompareSameType(op, y.(*partValue[T]).Dict, depth)
}

// typeName is the type of a value in an error: the builtin for a part, whose type is dict.
func typeName(v starlark.Value) string {
	if part, ok := v.(interface{ builtin() string }); ok {
		return part.builtin()
	}
	return v.Type()
}

// partOf is an argument that is a part. The part is nil when it is left out.
type partOf[T any] struct{ part *T }

func (a *partOf[T]) Unpack(v starlark.Value) (err error) {
	switch v := v.(type) {
	case *partValue[T]:
		a.part = v.part
		return nil
	case *starlark.Dict:
		for _, key := range v.Keys() {
			if _, ok := starlark.AsString(key); !ok {
				return fmt.Errorf("got %s as the name of an argument, want string", key.Type())
			}
		}
		a.part, err = newPart[T](&Call{Name: partName[T](), Kwargs: v.Items()})
		return err
	}
	return fmt.Errorf("got %s, want %s or dict", typeName(v), partName[T]())
}

// partList is an argument that is a list of parts.
type partList[T any] []*T

func (l *partList[T]) Unpack(v starlark.Value) error {
	if !isList(v) {
		return fmt.Errorf("got %s, want list of %s", typeName(v), partName[T]())
	}
	for _, element := range elementsOf(v) {
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
