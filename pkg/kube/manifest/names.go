// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"cmp"
	"fmt"
	"strings"

	"tilt.dev/session/pkg/model"
)

// Names are the names that a workload can have, from short to long: "name", "name:kind", "name:kind:namespace" and
// "name:kind:namespace:group". The kind is in lower case, a missing namespace is "default" and the core group "core".
func (id ID) Names() [4]string {
	parts := []string{id.Name, strings.ToLower(id.Kind), id.namespace(), cmp.Or(id.Group(), "core")}
	var names [4]string
	for i := range names {
		names[i] = strings.Join(parts[:i+1], ":")
	}
	return names
}

// FullName is the longest of Names: the string form of what the function of workload_to_resource_function() gets.
func (id ID) FullName() string { return id.Names()[3] }

// ResourceNames returns the names of the resources of workloads: for each the shortest name that no other one has in
// the same form. So all workloads of a conflict get the longer form. Workloads with all names in common get their
// position in the list as a suffix.
func ResourceNames(workloads []model.Object) []string { return uniqueNames(workloads, 0) }

// DisplayNames is ResourceNames with at least name and kind, for logs: "web:deployment".
func DisplayNames(objects []model.Object) []string { return uniqueNames(objects, 1) }

func uniqueNames(objects []model.Object, shortest int) []string {
	var taken [4]map[string]int
	for form := range taken {
		taken[form] = map[string]int{}
		for _, o := range objects {
			taken[form][IDOf(o).Names()[form]]++
		}
	}
	names := make([]string, len(objects))
	for i, o := range objects {
		candidates := IDOf(o).Names()
		names[i] = fmt.Sprintf("%s:%d", candidates[3], i)
		for form := shortest; form < len(candidates); form++ {
			if taken[form][candidates[form]] == 1 {
				names[i] = candidates[form]
				break
			}
		}
	}
	return names
}

// MapNames returns the names that a function gives to workloads. Two workloads of the same name are an error.
func MapNames(workloads []model.Object, name func(ID) (string, error)) ([]string, error) {
	names := make([]string, len(workloads))
	first := map[string]ID{}
	for i, o := range workloads {
		id := IDOf(o)
		mapped, err := name(id)
		if err != nil {
			return nil, err
		}
		if other, taken := first[mapped]; taken {
			return nil, fmt.Errorf("both '%s' and '%s' mapped to resource name '%s'", other.FullName(), id.FullName(), mapped)
		}
		names[i], first[mapped] = mapped, id
	}
	return names, nil
}
