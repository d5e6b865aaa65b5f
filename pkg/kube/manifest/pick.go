// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"errors"
	"fmt"
	"strings"

	"tilt.dev/session/pkg/model"
)

// Pick returns the index of the object that a fragment "name[:kind[:namespace]]" of k8s_resource(objects=) identifies.
// Parts are compared whole and without case; "\:" is a colon in a part. Free tells which objects don't belong to a
// workload: the fragment has to match exactly one of them.
//
// Tilt wants it to match exactly one of all objects, so that a Deployment and a ConfigMap of the same name couldn't be
// told apart by name although only one of them is free.
func Pick(fragment string, objects []model.Object, free func(index int) bool) (int, error) {
	parts, err := parseFragment(fragment)
	if err != nil {
		return 0, err
	}
	var matching, remaining, all []string
	index, taken := 0, false
	for i, o := range objects {
		matches, name := matchesFragment(o, parts), fragmentOf(o)
		all = append(all, name)
		if free(i) {
			remaining = append(remaining, name)
		}
		switch {
		case matches && free(i):
			index, matching = i, append(matching, name)
		case matches:
			taken = true
		}
	}
	switch {
	case len(matching) == 1:
		return index, nil
	case len(matching) > 1:
		return 0, fmt.Errorf("%q is not a unique fragment. Objects that match %s are %s",
			fragment, fragment, quoted(matching))
	case taken:
		return 0, fmt.Errorf("No object identified by the fragment %q could be found in remaining YAML. "+
			"Valid remaining fragments are: %s", fragment, quoted(remaining))
	}
	return 0, fmt.Errorf("No object identified by the fragment %q could be found. Possible objects are: %s",
		fragment, quoted(all))
}

// parseFragment splits a fragment at its colons.
func parseFragment(fragment string) (parts []string, err error) {
	var part strings.Builder
	escaped := false
	for _, r := range fragment {
		switch {
		case escaped && r != ':' && r != '\\':
			return nil, fmt.Errorf(`%q is not a fragment: a backslash must be followed by a colon or a backslash`, fragment)
		case !escaped && r == '\\':
			escaped = true
			continue
		case !escaped && r == ':':
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteRune(r)
		}
		escaped = false
	}
	parts = append(parts, part.String())
	switch {
	case escaped:
		return nil, fmt.Errorf("%q is not a fragment: it ends with a backslash", fragment)
	case len(parts) > 3:
		return nil, fmt.Errorf(`%q is not a fragment: it has more than three parts, "name:kind:namespace"; `+
			`write "\:" for a colon in a name`, fragment)
	case parts[0] == "":
		return nil, errors.New("a fragment must begin with the name of an object")
	}
	return parts, nil
}

// idParts are the parts of an object that a fragment is compared with.
func idParts(o model.Object) [3]string {
	id := IDOf(o)
	return [3]string{id.Name, id.Kind, id.namespace()}
}

func matchesFragment(o model.Object, parts []string) bool {
	of := idParts(o)
	for i, part := range parts {
		if !strings.EqualFold(part, of[i]) {
			return false
		}
	}
	return true
}

// fragmentOf returns the longest fragment of an object.
func fragmentOf(o model.Object) string {
	parts := idParts(o)
	parts[1] = strings.ToLower(parts[1])
	for i, part := range parts {
		parts[i] = strings.NewReplacer(`\`, `\\`, `:`, `\:`).Replace(part)
	}
	return strings.Join(parts[:], ":")
}

func quoted(names []string) string {
	if len(names) == 0 {
		return "(none)"
	}
	return `"` + strings.Join(names, `", "`) + `"`
}
