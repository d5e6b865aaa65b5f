// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"fmt"
	"slices"
	"strings"
)

// ResolveDependencies checks the graph that ResourceDeps define. It returns the resources without dependencies on
// resources that don't exist or are named twice, and a warning for each of those that don't exist. A resource that
// depends on itself, directly or through others, is an error.
//
// It doesn't change the resources given.
func ResolveDependencies(resources []Resource) (resolved []Resource, warnings []string, err error) {
	index := byName(resources)
	resolved = slices.Clone(resources)
	for i := range resolved {
		r := &resolved[i]
		var known []string
		for _, dep := range r.ResourceDeps {
			switch {
			case dep == r.Name:
				return nil, nil, fmt.Errorf("resource %s specified a dependency on itself", r.Name)
			case index[dep] == nil:
				warnings = append(warnings, fmt.Sprintf(
					"resource %s specified a dependency on unknown resource %s - dependency ignored", r.Name, dep))
			case !slices.Contains(known, dep):
				known = append(known, dep)
			}
		}
		r.ResourceDeps = known
	}
	if cycle := cycleOf(resources, index); cycle != nil {
		return nil, nil, fmt.Errorf("cycle detected in resource dependency graph: %s", strings.Join(cycle, " -> "))
	}
	return resolved, warnings, nil
}

// AddBuildDeps sets the BuildDeps of resources that use images. Dependencies form no cycle.
func AddBuildDeps(resources []Resource) {
	index := byName(resources)
	for i := range resources {
		r := &resources[i]
		if len(r.Images) == 0 {
			continue
		}
		seen := map[string]bool{}
		for queue := slices.Clone(r.ResourceDeps); len(queue) > 0; queue = queue[1:] {
			dep := index[queue[0]]
			if dep == nil || seen[dep.Name] {
				continue
			}
			seen[dep.Name] = true
			queue = append(queue, dep.ResourceDeps...)
			if dep.local() {
				r.BuildDeps = append(r.BuildDeps, dep.Name)
			}
		}
		slices.Sort(r.BuildDeps)
	}
}

// local reports whether a resource runs commands on this machine.
func (r *Resource) local() bool {
	_, job := r.Update.(*Command)
	_, server := r.Runtime.(*Server)
	return job || server
}

// SelectResources returns the selection of the named resources and, if needed is true, their dependencies, in the order
// of definition. No names select everything. An unknown name is an error that lists the known ones.
func SelectResources(resources []Resource, names []string, needed bool) (Selection, error) {
	if len(names) == 0 {
		return Selection{All: true}, nil
	}
	index := byName(resources)
	var unknown, others []string
	for _, name := range names {
		if index[name] == nil && !slices.Contains(unknown, name) {
			unknown = append(unknown, name)
		}
	}
	if unknown != nil {
		for _, r := range resources {
			if !slices.Contains(names, r.Name) {
				others = append(others, r.Name)
			}
		}
		//lint:ignore ST1005 Tilt's text, on two lines.
		return Selection{}, fmt.Errorf("You specified some resources that could not be found: %s\n"+
			"Is this a typo? Existing resources in Tiltfile: %s", quoteAll(unknown), quoteAll(others))
	}
	wanted := map[string]bool{}
	for queue := slices.Clone(names); len(queue) > 0; queue = queue[1:] {
		r := index[queue[0]]
		if r == nil || wanted[r.Name] {
			continue
		}
		wanted[r.Name] = true
		if needed {
			queue = append(queue, r.ResourceDeps...)
		}
	}
	var selection Selection
	for _, r := range resources {
		if wanted[r.Name] {
			selection.Names = append(selection.Names, r.Name)
		}
	}
	return selection, nil
}

// Contains returns whether the selection holds the named resource.
func (s Selection) Contains(name string) bool {
	return s.All || slices.Contains(s.Names, name)
}

func byName(resources []Resource) map[string]*Resource {
	index := make(map[string]*Resource, len(resources))
	for i := range resources {
		index[resources[i].Name] = &resources[i]
	}
	return index
}

func quoteAll(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	return strings.Join(quoted, ", ")
}

// cycleOf returns the names along a cycle, beginning and ending with the same one, nil if there is none. It finds the
// same cycle each time: the first one in the order of definition.
func cycleOf(resources []Resource, index map[string]*Resource) []string {
	done := make(map[string]bool, len(resources))
	var path []string
	var walk func(name string) []string
	walk = func(name string) []string {
		if i := slices.Index(path, name); i >= 0 {
			return append(slices.Clone(path[i:]), name)
		}
		r := index[name]
		if r == nil || done[name] {
			return nil
		}
		path = append(path, name)
		for _, dep := range r.ResourceDeps {
			if found := walk(dep); found != nil {
				return found
			}
		}
		path = path[:len(path)-1]
		done[name] = true
		return nil
	}
	for _, r := range resources {
		if found := walk(r.Name); found != nil {
			return found
		}
	}
	return nil
}
