// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"fmt"
	"maps"
	"slices"

	"go.starlark.net/starlark"
)

// environMethods are the methods of a dict that an environment has.
var environMethods = map[string]func(*environ, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error){
	"get":        (*environ).getMethod,
	"items":      (*environ).itemsMethod,
	"keys":       (*environ).keysMethod,
	"pop":        (*environ).popMethod,
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
	var key string
	var def starlark.Value = starlark.None
	if err := starlark.UnpackPositionalArgs(fn.Name(), args, kwargs, 1, &key, &def); err != nil {
		return nil, err
	}
	return v.lookup(key, def), nil
}

func (v *environ) popMethod(fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var key string
	var def starlark.Value
	if err := starlark.UnpackPositionalArgs(fn.Name(), args, kwargs, 1, &key, &def); err != nil {
		return nil, err
	}
	value := v.lookup(key, def)
	if value == nil {
		return nil, fmt.Errorf("missing key %q", key)
	}
	delete(v.current, key)
	return value, nil
}

func (v *environ) setdefaultMethod(fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var key, def string
	if err := starlark.UnpackPositionalArgs(fn.Name(), args, kwargs, 2, &key, &def); err != nil {
		return nil, err
	}
	if _, ok := v.current[key]; !ok {
		if err := v.set(key, def); err != nil {
			return nil, err
		}
	}
	return v.lookup(key, nil), nil
}

func (v *environ) updateMethod(fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var other starlark.IterableMapping
	if err := starlark.UnpackPositionalArgs(fn.Name(), args, nil, 0, &other); err != nil {
		return nil, err
	}
	items := kwargs
	if other != nil {
		items = append(other.Items(), kwargs...)
	}
	for _, item := range items {
		if err := v.SetKey(item[0], item[1]); err != nil {
			return nil, err
		}
	}
	return starlark.None, nil
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
