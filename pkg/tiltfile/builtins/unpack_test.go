// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"fmt"
	"strings"
	"testing"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// shared are parameters that a builtin embeds.
type shared struct {
	Name string `arg:"name"`
}

type parameters struct {
	shared
	Path    Path   `arg:"path?,alias=paths"`
	Default Text   `arg:"default??"`
	Count   int    `arg:"count??"`
	Key     string `arg:"key??,keyword"`
	ignored bool
}

// TestUnpack calls a builtin with every kind of parameter.
func TestUnpack(t *testing.T) {
	show := func(p parameters) (starlark.Value, error) {
		return starlark.String(fmt.Sprintf("%s %s %s %d %s %t", p.Name, p.Path, p.Default, p.Count, p.Key, p.ignored)), nil
	}
	universe := Universe(Functions(map[string]Function{"m.f": Unpacking(show)}))
	for _, c := range []struct{ source, want string }{
		{"m.f('n')", "n   0  false"},
		{"m.f('n', 'p', 'd', 3, key='k')", "n p d 3 k false"},
		{"m.f('n', paths='p', default=None, count=None)", "n p  0  false"},
		{"m.f('n', default='')", "n   0  false"},
		{"m.f()", "m.f: missing argument for name"},
		{"m.f('n', 'p', 'd', 3, 'k')", "m.f: got 5 arguments, want at most 4"},
		{"m.f('n', paths=1)", `m.f: for parameter "path": got int, want a path as a string`},
		{"m.f('n', default=1)", `m.f: for parameter "default": got int, want string or blob`},
		{"m.f('n', 'p', path='p')", "m.f: got multiple values for keyword argument \"path\""},
		{"m.f('n', ignored=True)", "m.f: unexpected keyword argument \"ignored\""},
	} {
		value, err := starlark.EvalOptions(&syntax.FileOptions{}, new(starlark.Thread), "test", c.source, universe)
		got := fmt.Sprint(err)
		if err == nil {
			got, _ = starlark.AsString(value)
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.source, got, c.want)
		}
	}
}

// TestUniverse joins libraries: the later one counts, and the earlier one's other members stay.
func TestUniverse(t *testing.T) {
	universe := Universe(
		Library{"a": starlark.MakeInt(1), "m.b": starlark.MakeInt(2), "m.n.c": starlark.MakeInt(3)},
		Library{"a": starlark.MakeInt(4), "m.d": starlark.MakeInt(5)},
	)
	value, err := starlark.EvalOptions(&syntax.FileOptions{}, new(starlark.Thread), "test", "[a, m.b, m.n.c, m.d, str(m.n)]", universe)
	if err != nil || value.String() != `[4, 2, 3, 5, "<module \"m.n\">"]` {
		t.Errorf("got %v, %v", value, err)
	}
}
