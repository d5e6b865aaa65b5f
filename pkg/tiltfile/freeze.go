// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// maxFrozen is how many values with others in them the globals of a file may
// hold. Were all of them one in another, freezing them would still not overflow
// the stack.
const maxFrozen = 500_000

// checkFreezable returns an error if there are too many values to freeze.
func checkFreezable(globals starlark.StringDict) error {
	seen := map[starlark.Value]bool{}
	count := 0
	var waiting []starlark.Value
	for _, v := range globals {
		waiting = append(waiting, v)
	}
	for len(waiting) > 0 {
		v := waiting[len(waiting)-1]
		waiting = waiting[:len(waiting)-1]
		switch v := v.(type) {
		case starlark.Tuple:
		case *starlark.List, *starlark.Dict, *starlarkstruct.Struct, *starlark.Function:
			if seen[v] {
				continue
			}
			seen[v] = true
		default:
			continue
		}
		if count++; count > maxFrozen {
			return fmt.Errorf("the globals of the file hold more than %d lists, dicts and the like", maxFrozen)
		}
		waiting = appendParts(waiting, v)
	}
	return nil
}

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
