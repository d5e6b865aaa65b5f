// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package data

import (
	"fmt"
	"maps"
	"slices"
	"unsafe"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// maxHeight is how deeply values may be nested when a builtin gets them or they become globals of a file: more than
// what the decoders return.
const maxHeight = 2 * maxNesting

// CheckNesting returns an error for values that are nested too deeply. Starlark prints and freezes a value by recursion,
// and a program can't recover from the overflow of its stack. A value that contains itself isn't an error.
func CheckNesting(values ...starlark.Value) error {
	_, err := nesting{}.height(starlark.Tuple(values), 0)
	return err
}

// nesting holds the heights of the values that contain others. The height is 0 for a value that is being measured.
type nesting map[any]int

func (n nesting) height(v starlark.Value, depth int) (int, error) {
	children := childrenOf(v)
	if len(children) == 0 {
		return 0, nil
	}
	var key any = v
	if tuple, ok := v.(starlark.Tuple); ok {
		key = unsafe.SliceData(tuple)
	}
	height, known := n[key]
	if !known && depth <= maxHeight {
		n[key] = 0
		for _, child := range children {
			below, err := n.height(child, depth+1)
			if err != nil {
				return 0, err
			}
			height = max(height, below+1)
		}
		n[key] = height
	}
	if depth+height > maxHeight {
		return 0, fmt.Errorf("a value is nested more than %d deep", maxHeight)
	}
	return height, nil
}

// childrenOf returns the values that another one prints or freezes.
func childrenOf(v starlark.Value) (children []starlark.Value) {
	switch v := v.(type) {
	case *starlark.List, *starlark.Set:
		return slices.Collect(starlark.Elements(v.(starlark.Iterable)))
	case starlark.Tuple:
		return v
	case *starlark.Dict:
		for key, value := range v.Entries() {
			children = append(children, key, value)
		}
	case interface{ ToStringDict(starlark.StringDict) }: // a struct
		fields := starlark.StringDict{}
		v.ToStringDict(fields)
		return slices.Collect(maps.Values(fields))
	case *starlarkstruct.Module:
		return slices.Collect(maps.Values(v.Members))
	case *starlark.Builtin:
		return []starlark.Value{v.Receiver()}
	case *starlark.Function:
		for i := range v.NumFreeVars() {
			_, value := v.FreeVar(i)
			children = append(children, value)
		}
		for i := range v.NumParams() {
			children = append(children, v.ParamDefault(i))
		}
	}
	return children
}
