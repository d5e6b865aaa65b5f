// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"maps"
	"slices"
	"strings"
)

// newEnviron returns base changed as a Tiltfile says: a nil value removes a
// variable. It leaves base as it is.
func newEnviron(base []string, changes map[string]*string) []string {
	env := slices.DeleteFunc(slices.Clone(base), func(entry string) bool {
		key, _, _ := strings.Cut(entry, "=")
		_, changed := changes[key]
		return changed
	})
	for _, key := range slices.Sorted(maps.Keys(changes)) {
		if value := changes[key]; value != nil {
			env = append(env, key+"="+*value)
		}
	}
	return env
}
