// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.starlark.net/starlark"
)

// environ is the environment of an evaluation, which a Tiltfile uses as a
// writable dict of strings. Keys come in sorted order.
type environ struct {
	initial, current map[string]string
}

var (
	_ starlark.IterableMapping = (*environ)(nil)
	_ starlark.Sequence        = (*environ)(nil)
	_ starlark.HasSetKey       = (*environ)(nil)
	_ starlark.HasAttrs        = (*environ)(nil)
)

// newEnviron makes an environment of "KEY=value" entries.
func newEnviron(entries []string) *environ {
	initial := make(map[string]string, len(entries))
	for _, entry := range entries {
		if key, value, ok := strings.Cut(entry, "="); ok && key != "" {
			initial[key] = value
		}
	}
	return &environ{initial, maps.Clone(initial)}
}

// entries returns the environment as "KEY=value" entries.
func (v *environ) entries() []string {
	var entries []string
	for _, key := range v.keys() {
		entries = append(entries, key+"="+v.current[key])
	}
	return entries
}

// changes returns what's different from the beginning, nil for a variable that
// was removed.
func (v *environ) changes() map[string]*string {
	changes := map[string]*string{}
	for key, value := range v.current {
		if before, ok := v.initial[key]; !ok || before != value {
			changes[key] = &value
		}
	}
	for key := range v.initial {
		if _, ok := v.current[key]; !ok {
			changes[key] = nil
		}
	}
	return changes
}

func (v *environ) keys() []string { return slices.Sorted(maps.Keys(v.current)) }

// set changes a variable.
func (v *environ) set(key, value string) error {
	if err := checkVariable(key, value); err != nil {
		return err
	}
	v.current[key] = value
	return nil
}

// Get implements starlark.Mapping.
func (v *environ) Get(key starlark.Value) (starlark.Value, bool, error) {
	s, ok := asText(key)
	if !ok {
		return nil, false, fmt.Errorf("got %s, want the name of an environment variable", key.Type())
	}
	value, found := v.current[s]
	return starlark.String(value), found, nil
}

// SetKey implements starlark.HasSetKey.
func (v *environ) SetKey(key, value starlark.Value) error {
	k, okKey := asText(key)
	s, okValue := asText(value)
	if !okKey || !okValue {
		return fmt.Errorf("got %s: %s, want string: string", key, value)
	}
	return v.set(k, s)
}

// Items implements starlark.IterableMapping.
func (v *environ) Items() []starlark.Tuple {
	var items []starlark.Tuple
	for _, key := range v.keys() {
		items = append(items, starlark.Tuple{starlark.String(key), starlark.String(v.current[key])})
	}
	return items
}

// Iterate implements starlark.Iterable. The iteration is over the variables
// that there are at its beginning.
func (v *environ) Iterate() starlark.Iterator { return v.list(0).Iterate() }

// list returns a list of the keys (0) or values (1).
func (v *environ) list(part int) *starlark.List {
	var elements []starlark.Value
	for _, item := range v.Items() {
		elements = append(elements, item[part])
	}
	return starlark.NewList(elements)
}

// Len implements starlark.Sequence.
func (v *environ) Len() int { return len(v.current) }

// String doesn't tell the variables: they may be secrets, and what's printed
// is kept.
func (v *environ) String() string { return fmt.Sprintf("<environ of %d variables>", len(v.current)) }

// Type implements starlark.Value.
func (v *environ) Type() string { return "environ" }

// Freeze implements starlark.Value. An environment is never frozen: it's the
// same one for each file.
func (v *environ) Freeze() {}

// Truth implements starlark.Value.
func (v *environ) Truth() starlark.Bool { return len(v.current) > 0 }

// Hash implements starlark.Value.
func (v *environ) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable: %s", v.Type()) }
