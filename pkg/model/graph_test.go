// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// resources makes resources of lines like "a: b c", a depending on b and c.
func resources(lines ...string) []Resource {
	var all []Resource
	for _, line := range lines {
		name, deps, _ := strings.Cut(line, ":")
		all = append(all, Resource{Name: name, ResourceDeps: strings.Fields(deps)})
	}
	return all
}

// lines is the opposite of resources.
func lines(all []Resource) []string {
	var lines []string
	for _, r := range all {
		lines = append(lines, strings.TrimSuffix(r.Name+": "+strings.Join(r.ResourceDeps, " "), ": "))
	}
	return lines
}

func TestResolveDependencies(t *testing.T) {
	for _, c := range []struct {
		name           string
		given          []string
		want, warnings []string
		err            string
	}{
		{name: "nothing"},
		{name: "later ones are fine", given: []string{"a: b c", "b: c", "c"}, want: []string{"a: b c", "b: c", "c"}},
		{name: "diamond", given: []string{"a: b c", "b: d", "c: d", "d"}, want: []string{"a: b c", "b: d", "c: d", "d"}},
		{name: "named twice", given: []string{"a: b b", "b"}, want: []string{"a: b", "b"}},
		{
			name: "unknown", given: []string{"a: x b", "b: y"}, want: []string{"a: b", "b"},
			warnings: []string{
				"resource a specified a dependency on unknown resource x - dependency ignored",
				"resource b specified a dependency on unknown resource y - dependency ignored",
			},
		},
		{name: "itself", given: []string{"a", "b: b"}, err: "resource b specified a dependency on itself"},
		{name: "cycle of two", given: []string{"a: b", "b: a", "c"}, err: "cycle detected in resource dependency graph: a -> b -> a"},
		{name: "cycle further on", given: []string{"x", "a: x b", "b: c", "c: d b", "d"}, err: "cycle detected in resource dependency graph: b -> c -> b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			given := resources(c.given...)
			got, warnings, err := ResolveDependencies(given)
			if fmt.Sprint(err) != c.err && !(err == nil && c.err == "") {
				t.Fatalf("got error %v, want %s", err, c.err)
			}
			if diff := cmp.Diff(c.want, lines(got)); diff != "" {
				t.Errorf("resources (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.warnings, warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.given, lines(given)); diff != "" {
				t.Errorf("the resources given were changed:\n%s", diff)
			}
		})
	}
}

func TestResolveLongChain(t *testing.T) {
	var chain []string
	for i := range 10_000 {
		chain = append(chain, fmt.Sprintf("r%d: r%d", i, i+1))
	}
	all := resources(append(chain, "r10000")...)
	if _, warnings, err := ResolveDependencies(all); err != nil || warnings != nil {
		t.Fatalf("got %v and %v", warnings, err)
	}
	selection, err := SelectResources(all, []string{"r0"}, true)
	if err != nil || len(selection.Names) != len(all) {
		t.Fatalf("selected %d of %d resources, %v", len(selection.Names), len(all), err)
	}
}

func TestSelectResources(t *testing.T) {
	all := resources("a: b", "b: c", "c: unknown", "d: a", "e")
	for _, c := range []struct {
		names []string
		alone bool
		want  Selection
		err   string
	}{
		{names: nil, want: Selection{All: true}},
		{names: []string{"e"}, want: Selection{Names: []string{"e"}}},
		{names: []string{"e", "b", "e"}, want: Selection{Names: []string{"b", "c", "e"}}},
		{names: []string{"d"}, want: Selection{Names: []string{"a", "b", "c", "d"}}},
		{names: []string{"d", "b"}, alone: true, want: Selection{Names: []string{"b", "d"}}},
		{names: []string{"x", "e", "y", "x"}, err: "You specified some resources that could not be found: \"x\", \"y\"\n" +
			"Is this a typo? Existing resources in Tiltfile: \"a\", \"b\", \"c\", \"d\""},
	} {
		got, err := SelectResources(all, c.names, !c.alone)
		if err != nil && err.Error() != c.err || err == nil && c.err != "" {
			t.Errorf("%v: got error %v, want %s", c.names, err, c.err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%v (-want +got):\n%s", c.names, diff)
		}
	}
}

func TestAddBuildDeps(t *testing.T) {
	all := resources("web: migrate db", "migrate: compile", "compile: tools", "tools", "db", "other: compile")
	for _, i := range []int{2, 3} {
		all[i].Update = &Command{Argv: []string{"make"}}
	}
	all[0].Images = []string{"web"}
	AddBuildDeps(all)
	for i, want := range [][]string{{"compile", "tools"}, nil, nil, nil, nil, nil} {
		if !slices.Equal(all[i].BuildDeps, want) {
			t.Errorf("%s: %q, want %q", all[i].Name, all[i].BuildDeps, want)
		}
	}
}

func TestSelectionContains(t *testing.T) {
	if !(Selection{All: true}).Contains("a") || !(Selection{Names: []string{"a"}}).Contains("a") {
		t.Error("a isn't in a selection that has it")
	}
	if (Selection{Names: []string{"a"}}).Contains("b") || (Selection{}).Contains("b") {
		t.Error("b is in a selection that doesn't have it")
	}
}

// FuzzResolveDependencies makes graphs of bytes, two for an edge, and checks
// that those without an error can be put in order and others can't.
func FuzzResolveDependencies(f *testing.F) {
	f.Add([]byte{0, 1, 1, 2, 2, 0})
	f.Add([]byte{0, 1, 1, 2, 0, 2})
	f.Add([]byte{3, 3})
	f.Fuzz(func(t *testing.T, edges []byte) {
		const count = 8
		all := make([]Resource, count)
		for i := range all {
			all[i].Name = string(rune('a' + i))
		}
		for i := 0; i+1 < len(edges); i += 2 {
			r := &all[edges[i]%count]
			r.ResourceDeps = append(r.ResourceDeps, string(rune('a'+edges[i+1]%count)))
		}
		_, _, err := ResolveDependencies(all)
		if ordered := canBeOrdered(all); ordered != (err == nil) {
			t.Errorf("%v: got error %v, ordered: %v", lines(all), err, ordered)
		}
	})
}

// canBeOrdered is true when each resource can come after all that it depends on.
func canBeOrdered(all []Resource) bool {
	var done []string
	for range all {
		for _, r := range all {
			if !slices.Contains(done, r.Name) && !slices.ContainsFunc(r.ResourceDeps, func(dep string) bool { return !slices.Contains(done, dep) }) {
				done = append(done, r.Name)
			}
		}
	}
	return len(done) == len(all)
}
