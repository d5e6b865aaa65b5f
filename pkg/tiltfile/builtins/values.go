// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"errors"
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
		"struct":      makeStruct,
	})
	l["module"] = starlark.NewBuiltin("module", starlarkstruct.MakeModule)
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

// structure is the value of struct() and link(): a struct that can contain itself through a list or a dict.
type structure struct {
	*starlarkstruct.Struct
	printing bool
}

var (
	_ starlark.Comparable = (*structure)(nil)
	_ starlark.HasBinary  = (*structure)(nil)
)

// String ends where a struct contains itself: starlarkstruct doesn't, and overflows the stack.
func (s *structure) String() string {
	if s.printing {
		return "struct(...)"
	}
	s.printing = true
	defer func() { s.printing = false }()
	return s.Struct.String()
}

// CompareSameType implements starlark.Comparable.
func (s *structure) CompareSameType(op syntax.Token, y starlark.Value, depth int) (bool, error) {
	return s.Struct.CompareSameType(op, y.(*structure).Struct, depth)
}

// Binary implements starlark.HasBinary: the sum of two structs.
func (s *structure) Binary(op syntax.Token, y starlark.Value, side starlark.Side) (starlark.Value, error) {
	other, ok := y.(*structure)
	if !ok {
		return nil, nil
	}
	sum, err := s.Struct.Binary(op, other.Struct, side)
	if sum == nil || err != nil {
		return nil, err
	}
	return &structure{Struct: sum.(*starlarkstruct.Struct)}, nil
}

// text returns a field that is a string.
func (s *structure) text(name string) string {
	value, _ := s.Attr(name)
	text, _ := starlark.AsString(value)
	return text
}

// makeStruct is struct(**fields).
func makeStruct(c *Call) (starlark.Value, error) {
	if len(c.Args) > 0 {
		return nil, errors.New("struct: unexpected positional arguments")
	}
	return &structure{Struct: starlarkstruct.FromKeywords(starlarkstruct.Default, c.Kwargs)}, nil
}

// linkName is the constructor of the structs that are links. A link has no type of its own in Tilt.
const linkName = starlark.String("link")

// makeLink is link(url, name=None).
func makeLink(a struct {
	URL  string `arg:"url"`
	Name string `arg:"name??"`
}) (starlark.Value, error) {
	link, err := model.NewLink(a.URL, a.Name)
	if err != nil {
		return nil, err
	}
	return &structure{Struct: starlarkstruct.FromStringDict(linkName, starlark.StringDict{
		"url": starlark.String(link.URL), "name": starlark.String(link.Name),
	})}, nil
}

// object is a part of a probe as a Tiltfile holds it: a struct whose fields are the arguments as they were given. An
// argument that was left out is 0 or empty, as in Tilt, although the model has a default for it.
type object[T any] struct {
	*starlarkstruct.Struct
	value T
}

var _ starlark.Comparable = (*object[model.Probe])(nil)

func newObject[T any](value T, fields starlark.StringDict) *object[T] {
	o := &object[T]{value: value}
	o.Struct = starlarkstruct.FromStringDict(starlark.String(o.Type()), fields)
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

// Type implements starlark.Value, also for a nil object: starlark.UnpackArgs calls it to describe what it wants.
func (o *object[T]) Type() string { return reflect.TypeFor[T]().Name() }

// CompareSameType implements starlark.Comparable: two objects with the same fields are equal.
func (o *object[T]) CompareSameType(op syntax.Token, y starlark.Value, depth int) (bool, error) {
	return o.Struct.CompareSameType(op, y.(*object[T]).Struct, depth)
}
