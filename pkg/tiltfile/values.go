// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"slices"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"

	"tilt.dev/session/pkg/model"
)

// valueLibrary has what makes values and depends on nothing else.
func valueLibrary() library {
	l := functions(map[string]function{
		"blob":        makeBlob,
		"link":        makeLink,
		"module":      starlarkstruct.MakeModule,
		"shlex.quote": quote,
	})
	l["struct"] = starlark.NewBuiltin("struct", starlarkstruct.Make)
	return l
}

// blob is text that was read or printed by a command. Unlike a string it has
// no methods: str(b) gives one.
type blob string

var _ starlark.Value = blob("")

// String returns the text itself, so that str(b) does.
func (b blob) String() string        { return string(b) }
func (b blob) Type() string          { return "blob" }
func (b blob) Freeze()               {}
func (b blob) Truth() starlark.Bool  { return b != "" }
func (b blob) Hash() (uint32, error) { return starlark.String(b).Hash() }

// makeBlob is blob(text).
func makeBlob(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var content text
	if err := starlark.UnpackArgs(fn.Name(), args, alias(kwargs, "input", "text"), "text", &content); err != nil {
		return nil, err
	}
	return blob(content), nil
}

// object is a value of the model as a Tiltfile holds it: a struct whose fields
// are the arguments as they were given. An argument that was left out is 0 or
// empty, as in Tilt, although the model has a default for it.
type object[T any] struct {
	*starlarkstruct.Struct
	value T
}

var _ starlark.Comparable = (*object[model.Link])(nil)

// newObject makes an object with the fields in pairs of a name and a value.
func newObject[T any](value T, pairs ...starlark.Value) *object[T] {
	o := &object[T]{value: value}
	var fields []starlark.Tuple
	for pair := range slices.Chunk(pairs, 2) {
		fields = append(fields, starlark.Tuple(pair))
	}
	o.Struct = starlarkstruct.FromKeywords(starlark.String(o.name()), fields)
	return o
}

// field returns the object as the field of another one, which is None for nil.
func (o *object[T]) field() starlark.Value {
	if o == nil {
		return starlark.None
	}
	return o
}

// name is what the text of such a value begins with.
func (*object[T]) name() string {
	switch any(*new(T)).(type) {
	case model.Probe:
		return "Probe"
	case model.ExecAction:
		return "ExecAction"
	case model.HTTPGetAction:
		return "HTTPGetAction"
	case model.TCPSocketAction:
		return "TCPSocketAction"
	}
	return "link"
}

// Type implements starlark.Value, also for a nil object, as the checking of
// arguments needs. A link has no type of its own in Tilt.
func (o *object[T]) Type() string {
	if _, ok := any(o).(*object[model.Link]); ok {
		return "struct"
	}
	return o.name()
}

// CompareSameType implements starlark.Comparable: two objects with the same
// fields are equal.
func (o *object[T]) CompareSameType(op syntax.Token, y starlark.Value, depth int) (bool, error) {
	return o.Struct.CompareSameType(op, y.(*object[T]).Struct, depth)
}

// makeLink is link(url, name=None).
func makeLink(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var address, name string
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "url", &address, "name??", &name); err != nil {
		return nil, err
	}
	link, err := model.NewLink(address, name)
	if err != nil {
		return nil, err
	}
	return newObject(link, starlark.String("url"), starlark.String(link.URL), starlark.String("name"), starlark.String(link.Name)), nil
}
