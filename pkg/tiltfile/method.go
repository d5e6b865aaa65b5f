// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"strings"

	"go.starlark.net/starlark"
)

// receiver is a value with guarded methods.
type receiver struct {
	starlark.Value
	e *evaluation
}

var _ starlark.HasAttrs = receiver{}

// Attr implements starlark.HasAttrs.
func (r receiver) Attr(name string) (starlark.Value, error) {
	holder, ok := r.Value.(starlark.HasAttrs)
	if !ok {
		return nil, nil
	}
	attr, err := holder.Attr(name)
	method, ok := attr.(*starlark.Builtin)
	if err != nil || !ok || method.Receiver() != r.Value {
		return attr, err
	}
	guarded := func(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		if err := checkMethod(r.Value, name, args, kwargs); err != nil {
			return nil, err
		}
		result, err := method.CallInternal(thread, args, kwargs)
		if err != nil {
			return nil, err
		}
		return result, r.e.checkLarge(result)
	}
	return starlark.NewBuiltin(name, guarded).BindReceiver(r.Value), nil
}

// AttrNames implements starlark.HasAttrs.
func (r receiver) AttrNames() []string {
	if holder, ok := r.Value.(starlark.HasAttrs); ok {
		return holder.AttrNames()
	}
	return nil
}

// checkMethod returns an error if what a method makes were too large. Arguments
// that it doesn't take are for the method itself to complain about.
func checkMethod(v starlark.Value, name string, args starlark.Tuple, kwargs []starlark.Tuple) error {
	s, isString := v.(starlark.String)
	switch {
	case name == "extend" && len(args) == 1:
		return checkLength(v, length(v)+max(int64(starlark.Len(args[0])), 0))
	case !isString:
		return nil
	case name == "format":
		values := args
		for _, kwarg := range kwargs {
			values = append(values, kwarg[1])
		}
		return checkFormat(string(s), "{", values...)
	case name == "join" && len(args) == 1:
		return checkJoin(s, args[0])
	case name == "replace" && len(args) >= 2:
		before, okBefore := args[0].(starlark.String)
		after, okAfter := args[1].(starlark.String)
		if !okBefore || !okAfter {
			return nil
		}
		places := strings.Count(string(s), string(before))
		return checkLength(s, length(s)+int64(places)*(length(after)-length(before)))
	}
	return nil
}

func checkJoin(separator starlark.String, words starlark.Value) error {
	iterable, ok := words.(starlark.Iterable)
	if !ok {
		return nil
	}
	total := int64(0)
	for word := range starlark.Elements(iterable) {
		total += length(word) + length(separator)
	}
	return checkLength(separator, total)
}
