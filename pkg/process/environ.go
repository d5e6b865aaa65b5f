// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"slices"
	"strings"
)

// uniqueEnv returns the entries with only the last one of each key, and room for
// one more. Which of two entries a program would see isn't defined otherwise.
func uniqueEnv(env []string) []string {
	unique := make([]string, 0, len(env)+1)
	seen := make(map[string]struct{}, len(env))
	for _, entry := range slices.Backward(env) {
		key, _, _ := strings.Cut(entry, "=")
		if _, dup := seen[key]; dup {
			continue
		}
		seen[key] = struct{}{}
		unique = append(unique, entry)
	}
	slices.Reverse(unique)
	return unique
}

// lookupEnv returns the value of a key, empty if there's none.
func lookupEnv(env []string, key string) string {
	for _, entry := range slices.Backward(env) {
		if k, value, ok := strings.Cut(entry, "="); ok && k == key {
			return value
		}
	}
	return ""
}
