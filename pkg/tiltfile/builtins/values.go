// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"fmt"
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
		"blob": Unpacking(func(a struct {
			Text Text `arg:"text,alias=input"`
		}) (starlark.Value, error) {
			return data.Blob(a.Text), nil
		}),
		"exec_action":       Unpacking(makeExecAction),
		"http_get_action":   Unpacking(makeHTTPGetAction),
		"link":              Unpacking(makeLink),
		"probe":             Unpacking(makeProbe),
		"tcp_socket_action": Unpacking(makeTCPSocketAction),
		"shlex.quote": Unpacking(func(a struct {
			Text Text `arg:"s,alias=name"`
		}) (starlark.Value, error) {
			return starlark.String(data.QuoteWord(string(a.Text))), nil
		}),
	})
	l["module"] = starlark.NewBuiltin("module", starlarkstruct.MakeModule)
	l["struct"] = starlark.NewBuiltin("struct", makeStruct)
	return l
}

// structure is a struct of the Tiltfile. It can contain itself through a list or a dict.
type structure struct {
	*starlarkstruct.Struct
	// value is what the struct stands for in the model, nil for one of struct(). Its fields are the arguments as they
	// were given: one that was left out is 0 or empty, as in Tilt, although the model has a default for it.
	value    any
	printing bool
}

// newStructure returns the struct for a value of the model. The name is the one that it prints.
func newStructure(name starlark.String, value any, fields starlark.StringDict) *structure {
	return &structure{Struct: starlarkstruct.FromStringDict(name, fields), value: value}
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

// Type implements starlark.Value. A link has no type of its own in Tilt.
func (s *structure) Type() string {
	switch s.value.(type) {
	case nil, model.Link:
		return "struct"
	}
	return reflect.TypeOf(s.value).Name()
}

// structOf is an argument that is a struct for a T. Both fields are nil when it is left out.
type structOf[T any] struct {
	value *T
	given starlark.Value
}

func (a *structOf[T]) Unpack(v starlark.Value) error {
	if s, ok := v.(*structure); ok {
		if value, ok := s.value.(T); ok {
			a.value, a.given = &value, s
			return nil
		}
	}
	return fmt.Errorf("got %s, want %s", v.Type(), reflect.TypeFor[T]().Name())
}

// makeStruct is struct(**fields).
func makeStruct(
	thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	made, err := starlarkstruct.Make(thread, b, args, kwargs)
	if err != nil {
		return nil, err
	}
	return &structure{Struct: made.(*starlarkstruct.Struct)}, nil
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
	return newStructure("link", link, starlark.StringDict{
		"url": starlark.String(link.URL), "name": starlark.String(link.Name),
	}), nil
}
