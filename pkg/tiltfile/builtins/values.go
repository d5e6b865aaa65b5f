// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"reflect"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/data"
)

// Values returns the builtins that make a value of their arguments alone.
func Values() Library {
	l := Functions(map[string]Function{
		"blob":        Unpacking(makeBlob),
		"link":        Unpacking(makeLink),
		"shlex.quote": Unpacking(quoteWord),
	})
	l["module"] = starlark.NewBuiltin("module", starlarkstruct.MakeModule)
	l["struct"] = starlark.NewBuiltin("struct", starlarkstruct.Make)
	return l
}

// makeBlob is blob(text).
func makeBlob(a struct {
	Text Text `arg:"text,alias=input"`
}) (starlark.Value, error) {
	return data.Blob(a.Text), nil
}

// quoteWord is shlex.quote(s).
func quoteWord(a struct {
	Text Text `arg:"s,alias=name"`
}) (starlark.Value, error) {
	return starlark.String(data.QuoteWord(string(a.Text))), nil
}

// object is a value of the model as a Tiltfile holds it: a struct whose fields are the arguments as they were given.
// An argument that was left out is 0 or empty, as in Tilt, although the model has a default for it.
type object[T any] struct {
	*starlarkstruct.Struct
	value T
}

var _ starlark.Comparable = (*object[model.Link])(nil)

func newObject[T any](value T, fields starlark.StringDict) *object[T] {
	o := &object[T]{value: value}
	name := o.Type()
	if name == "struct" {
		name = "link"
	}
	o.Struct = starlarkstruct.FromStringDict(starlark.String(name), fields)
	return o
}

// model returns a pointer to the value, nil for a nil object.
func (o *object[T]) model() *T {
	if o == nil {
		return nil
	}
	return &o.value
}

// field returns the object as the field of another one, None for nil.
func (o *object[T]) field() starlark.Value {
	if o == nil {
		return starlark.None
	}
	return o
}

// Type implements starlark.Value, also for a nil object: starlark.UnpackArgs calls it to describe what it wants. A
// link has no type of its own in Tilt.
func (o *object[T]) Type() string {
	if _, ok := any(o).(*object[model.Link]); ok {
		return "struct"
	}
	return reflect.TypeFor[T]().Name()
}

// CompareSameType implements starlark.Comparable: two objects with the same fields are equal.
func (o *object[T]) CompareSameType(op syntax.Token, y starlark.Value, depth int) (bool, error) {
	return o.Struct.CompareSameType(op, y.(*object[T]).Struct, depth)
}

// makeLink is link(url, name=None).
func makeLink(a struct {
	URL  string `arg:"url"`
	Name string `arg:"name??"`
}) (starlark.Value, error) {
	link, err := model.NewLink(a.URL, a.Name)
	if err != nil {
		return nil, err
	}
	return newObject(link, starlark.StringDict{
		"url": starlark.String(link.URL), "name": starlark.String(link.Name),
	}), nil
}
