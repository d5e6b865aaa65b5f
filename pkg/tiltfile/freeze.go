// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"fmt"
	"maps"
	"slices"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// maxFrozen is how deeply values may be nested in the globals of a file: freezing
// them doesn't overflow the stack then.
const maxFrozen = 500_000

// checkFreezable returns an error if freezing the globals could take too deep a
// recursion. Where a value contains itself, the recursion may lead through all
// values, so that their number is limited. That of tuples always is: freezing
// goes through the same tuple again and again.
func checkFreezable(globals starlark.StringDict) error {
	type step struct {
		value  starlark.Value
		parts  []starlark.Value
		height int
	}
	// heights has how deep values are, 0 for those that contain the current step.
	heights := map[starlark.Value]int{}
	steps := []step{{parts: slices.Collect(maps.Values(globals))}}
	cyclic, tuples := false, 0
	for {
		last := len(steps) - 1
		at := &steps[last]
		if len(at.parts) == 0 {
			if last == 0 {
				break
			}
			height := at.height + 1
			if _, isTuple := at.value.(starlark.Tuple); !isTuple {
				heights[at.value] = height
			}
			steps = steps[:last]
			steps[last-1].height = max(steps[last-1].height, height)
			continue
		}
		part := at.parts[0]
		at.parts = at.parts[1:]
		switch part := part.(type) {
		case starlark.Tuple:
			tuples++
		case *starlark.List, *starlark.Dict, *starlarkstruct.Struct, *starlark.Function:
			if height, seen := heights[part]; seen {
				cyclic = cyclic || height == 0
				at.height = max(at.height, height)
				continue
			}
			heights[part] = 0
		default:
			continue
		}
		if last > maxFrozen || tuples > maxFrozen {
			return errTooDeep
		}
		steps = append(steps, step{value: part, parts: appendParts(nil, part)})
	}
	if steps[0].height > maxFrozen || cyclic && len(heights)+tuples > maxFrozen {
		return errTooDeep
	}
	return nil
}

var errTooDeep = fmt.Errorf("the globals of the file are nested more than %d deep, or hold more tuples than that", maxFrozen)

// appendParts adds the values that are directly in another.
func appendParts(parts []starlark.Value, v starlark.Value) []starlark.Value {
	switch v := v.(type) {
	case starlark.Tuple:
		parts = append(parts, v...)
	case *starlark.List:
		for i := range v.Len() {
			parts = append(parts, v.Index(i))
		}
	case *starlark.Dict:
		for key, value := range starlark.Entries(v) {
			parts = append(parts, key, value)
		}
	case *starlarkstruct.Struct:
		for _, name := range v.AttrNames() {
			if value, err := v.Attr(name); err == nil {
				parts = append(parts, value)
			}
		}
	case *starlark.Function:
		for i := range v.NumParams() {
			if def := v.ParamDefault(i); def != nil {
				parts = append(parts, def)
			}
		}
		for i := range v.NumFreeVars() {
			if _, value := v.FreeVar(i); value != nil {
				parts = append(parts, value)
			}
		}
	}
	return parts
}
