// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"reflect"
	"slices"
)

// NeedsUpdate reports whether the change of a resource's definition requires an update. A change of when it runs, of
// what is shown or of how a workload is reached does not. Its first links do, as in Tilt.
func NeedsUpdate(before, after *Resource) bool {
	return !reflect.DeepEqual(updated(before.Update), updated(after.Update)) ||
		!reflect.DeepEqual(served(before.Runtime), served(after.Runtime)) ||
		before.AllowParallel != after.AllowParallel ||
		!SameIgnores(before.Ignores, after.Ignores) ||
		len(before.Links) == 0 && len(after.Links) > 0
}

// updated is what an update depends on.
func updated(u Update) Update {
	switch u := u.(type) {
	case *Deploy:
		content := *u
		content.Timeout = 0
		return &content
	case *ComposeUp:
		return u.content()
	}
	return u
}

// served is what of a runtime takes an update to change.
func served(r Runtime) Runtime {
	switch r := r.(type) {
	case *Workload:
		return &Workload{Resource: r.Resource}
	case *ComposeService:
		return &ComposeService{Resource: r.Resource, Service: r.Service, Project: r.Project.identity()}
	}
	return r
}

// SameIgnores compares ignore sets without their sources.
func SameIgnores(a, b []IgnoreSet) bool {
	return slices.EqualFunc(a, b, func(a, b IgnoreSet) bool {
		return a.Base == b.Base && slices.Equal(a.Patterns, b.Patterns)
	})
}
