// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"slices"
	"strings"
)

// MergeEnv merges lists of "KEY=value" entries. The last entry of a key wins; an
// entry that consists of a key alone removes the variable.
func MergeEnv(lists ...[]string) []string {
	merged := []string{}
	seen := map[string]bool{}
	for _, entry := range slices.Backward(slices.Concat(lists...)) {
		key, _, set := strings.Cut(entry, "=")
		if set && !seen[key] {
			merged = append(merged, entry)
		}
		seen[key] = true
	}
	slices.Reverse(merged)
	return merged
}

// lookupEnv returns the value of a key, empty if it isn't set.
func lookupEnv(env []string, key string) string {
	for _, entry := range slices.Backward(env) {
		if value, ok := strings.CutPrefix(entry, key+"="); ok {
			return value
		}
	}
	return ""
}
