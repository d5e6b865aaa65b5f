// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"errors"
	"fmt"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// part is a piece of an API object, such as the place of a button. A Tiltfile
// writes it as a call of its builtin, or as a dict with the arguments of that
// call.
type part interface {
	// builtin is the full name of its builtin.
	builtin() string
	// pairs are the parameters of that for starlark.UnpackArgs.
	pairs() []any
	// check returns an error for arguments that don't go together.
	check() error
}

// partPointer is a part of type T, which its arguments are unpacked into.
type partPointer[T any] interface {
	*T
	part
}

// unchecked is in parts whose arguments go together however they are.
type unchecked struct{}

func (unchecked) check() error { return nil }

// makePart makes a part of its arguments.
func makePart[T any, P partPointer[T]](args starlark.Tuple, kwargs []starlark.Tuple) (P, error) {
	p := P(new(T))
	if err := starlark.UnpackArgs(p.builtin(), args, kwargs, p.pairs()...); err != nil {
		return nil, err
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", p.builtin(), err)
	}
	return p, nil
}

// addPart adds the builtin of a type of parts to a library.
func addPart[T any, P partPointer[T]](l library) {
	name := P(new(T)).builtin()
	call := func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		p, err := makePart[T, P](args, kwargs)
		if err != nil {
			return nil, err
		}
		given, err := givenArguments(p.pairs(), args, kwargs)
		if err != nil {
			return nil, err
		}
		return &partValue[P]{given, p}, nil
	}
	l[name] = starlark.NewBuiltin(name, call)
}

// givenArguments returns the arguments of a call as a frozen dict, in the order
// of the parameters in pairs.
func givenArguments(pairs []any, args starlark.Tuple, kwargs []starlark.Tuple) (*starlark.Dict, error) {
	named := map[string]starlark.Value{}
	for _, kwarg := range kwargs {
		named[string(kwarg[0].(starlark.String))] = kwarg[1]
	}
	given := starlark.NewDict(len(args) + len(kwargs))
	for i := range len(pairs) / 2 {
		name := strings.TrimRight(pairs[2*i].(string), "?")
		value := named[name]
		if i < len(args) {
			value = args[i]
		}
		if value == nil || value == starlark.None {
			continue
		}
		if err := given.SetKey(starlark.String(name), value); err != nil {
			return nil, err
		}
	}
	given.Freeze()
	return given, nil
}

// partValue is a part as a Tiltfile holds it: the dict of its arguments, which
// can't be changed.
type partValue[P part] struct {
	*starlark.Dict
	part P
}

var _ starlark.Comparable = (*partValue[*probePart])(nil)

func (v *partValue[P]) builtin() string { return v.part.builtin() }

// typeName is what an error calls the type of a value: the builtin of a part,
// which would be a dict like any other else.
func typeName(v starlark.Value) string {
	if part, ok := v.(interface{ builtin() string }); ok {
		return part.builtin()
	}
	return v.Type()
}

// CompareSameType implements starlark.Comparable.
func (v *partValue[P]) CompareSameType(op syntax.Token, y starlark.Value, depth int) (bool, error) {
	return v.Dict.CompareSameType(op, y.(*partValue[P]).Dict, depth)
}

// partArgument is an argument that's a part, nil when it isn't given.
type partArgument[T any, P partPointer[T]] struct{ part P }

// Unpack implements starlark.Unpacker.
func (a *partArgument[T, P]) Unpack(v starlark.Value) (err error) {
	switch v := v.(type) {
	case *partValue[P]:
		a.part = v.part
	case *starlark.Dict:
		if err := requireStringKeys(v); err != nil {
			return err
		}
		a.part, err = makePart[T, P](nil, v.Items())
	default:
		err = fmt.Errorf("got %s, want %s or dict", typeName(v), P(new(T)).builtin())
	}
	return err
}

// requireStringKeys returns an error for a dict that can't be the arguments of
// a call.
func requireStringKeys(dict *starlark.Dict) error {
	for _, key := range dict.Keys() {
		if _, ok := starlark.AsString(key); !ok {
			return fmt.Errorf("got %s as the name of an argument, want string", key.Type())
		}
	}
	return nil
}

// partList is an argument that's a list of parts.
type partList[T any, P partPointer[T]] []P

// Unpack implements starlark.Unpacker.
func (l *partList[T, P]) Unpack(v starlark.Value) error {
	sequence, ok := sequenceOf(v)
	if !ok {
		return fmt.Errorf("got %s, want list of %s", typeName(v), P(new(T)).builtin())
	}
	for element := range starlark.Elements(sequence) {
		var a partArgument[T, P]
		if err := a.Unpack(element); err != nil {
			return err
		}
		*l = append(*l, a.part)
	}
	return nil
}

// exactlyOne returns an error unless one of the choices is true.
func exactlyOne(names string, choices ...bool) error {
	given := 0
	for _, choice := range choices {
		if choice {
			given++
		}
	}
	if given != 1 {
		return errors.New("exactly one of " + names + " must be specified")
	}
	return nil
}
