// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.starlark.net/starlark"
)

// environMethods are the methods of a dict that an environment has.
var environMethods = map[string]func(*environ, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error){
	"clear":      (*environ).clearMethod,
	"get":        (*environ).getMethod,
	"items":      (*environ).itemsMethod,
	"keys":       (*environ).keysMethod,
	"pop":        (*environ).popMethod,
	"popitem":    (*environ).popitemMethod,
	"setdefault": (*environ).setdefaultMethod,
	"update":     (*environ).updateMethod,
	"values":     (*environ).valuesMethod,
}

// Attr implements starlark.HasAttrs.
func (v *environ) Attr(name string) (starlark.Value, error) {
	method, ok := environMethods[name]
	if !ok {
		return nil, nil
	}
	call := func(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		return method(v, fn, args, kwargs)
	}
	return starlark.NewBuiltin("os.environ."+name, call), nil
}

// AttrNames implements starlark.HasAttrs.
func (v *environ) AttrNames() []string { return slices.Sorted(maps.Keys(environMethods)) }

// lookup returns a variable, or the default if there's none.
func (v *environ) lookup(key string, def starlark.Value) starlark.Value {
	if value, ok := v.current[key]; ok {
		return starlark.String(value)
	}
	return def
}

func (v *environ) getMethod(fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var key text
	var def starlark.Value = starlark.None
	if err := starlark.UnpackPositionalArgs(fn.Name(), args, kwargs, 1, &key, &def); err != nil {
		return nil, err
	}
	return v.lookup(string(key), def), nil
}

func (v *environ) popMethod(fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var key text
	var def starlark.Value
	if err := starlark.UnpackPositionalArgs(fn.Name(), args, kwargs, 1, &key, &def); err != nil {
		return nil, err
	}
	value := v.lookup(string(key), def)
	if value == nil {
		return nil, fmt.Errorf("missing key %q", key)
	}
	delete(v.current, string(key))
	return value, nil
}

func (v *environ) popitemMethod(fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := starlark.UnpackPositionalArgs(fn.Name(), args, kwargs, 0); err != nil {
		return nil, err
	}
	items := v.Items()
	if len(items) == 0 {
		return nil, errors.New("the environment is empty")
	}
	key, _ := starlark.AsString(items[0][0])
	delete(v.current, key)
	return items[0], nil
}

func (v *environ) clearMethod(fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := starlark.UnpackPositionalArgs(fn.Name(), args, kwargs, 0); err != nil {
		return nil, err
	}
	clear(v.current)
	return starlark.None, nil
}

func (v *environ) setdefaultMethod(fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var key, def text
	if err := starlark.UnpackPositionalArgs(fn.Name(), args, kwargs, 2, &key, &def); err != nil {
		return nil, err
	}
	if _, ok := v.current[string(key)]; !ok {
		if err := v.set(string(key), string(def)); err != nil {
			return nil, err
		}
	}
	return v.lookup(string(key), nil), nil
}

// updateMethod is update(other, **variables), where other is a dict or a list of
// pairs, as it is for a dict.
func (v *environ) updateMethod(fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var other starlark.Iterable
	if err := starlark.UnpackPositionalArgs(fn.Name(), args, nil, 0, &other); err != nil {
		return nil, err
	}
	items := kwargs
	if other != nil {
		pairs, err := pairsOf(other)
		if err != nil {
			return nil, err
		}
		items = append(pairs, kwargs...)
	}
	for _, item := range items {
		if err := v.SetKey(item[0], item[1]); err != nil {
			return nil, err
		}
	}
	return starlark.None, nil
}

// pairsOf returns the items of a dict, or the pairs in a list.
func pairsOf(v starlark.Iterable) ([]starlark.Tuple, error) {
	if mapping, ok := v.(starlark.IterableMapping); ok {
		return mapping.Items(), nil
	}
	var pairs []starlark.Tuple
	for element := range starlark.Elements(v) {
		pair, ok := sequenceOf(element)
		if !ok || pair.Len() != 2 {
			return nil, fmt.Errorf("got %s in a list, want a pair of strings", element.Type())
		}
		var both starlark.Tuple
		for part := range starlark.Elements(pair) {
			both = append(both, part)
		}
		pairs = append(pairs, both)
	}
	return pairs, nil
}

func (v *environ) itemsMethod(fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := starlark.UnpackPositionalArgs(fn.Name(), args, kwargs, 0); err != nil {
		return nil, err
	}
	var items []starlark.Value
	for _, item := range v.Items() {
		items = append(items, item)
	}
	return starlark.NewList(items), nil
}

func (v *environ) keysMethod(fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return v.list(0), starlark.UnpackPositionalArgs(fn.Name(), args, kwargs, 0)
}

func (v *environ) valuesMethod(fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return v.list(1), starlark.UnpackPositionalArgs(fn.Name(), args, kwargs, 0)
}
