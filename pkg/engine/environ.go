// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"maps"
	"slices"
	"strings"
)

// environ is an environment as "KEY=value" entries. Each key occurs once.
type environ []string

// newEnviron returns base changed as a Tiltfile says: a nil value removes a
// variable. It leaves base as it is.
func newEnviron(base []string, changes map[string]*string) environ {
	env := environ(nil).with(base)
	for _, key := range slices.Sorted(maps.Keys(changes)) {
		if value := changes[key]; value != nil {
			env = env.set(key, key+"="+*value)
		} else if i := env.index(key); i >= 0 {
			env = slices.Delete(env, i, i+1)
		}
	}
	return env
}

// with returns the environment with entries set, of which the last one of a key
// wins. It leaves env as it is.
func (env environ) with(entries []string) environ {
	if len(entries) == 0 {
		return env
	}
	env = slices.Clone(env)
	for _, entry := range entries {
		key, _, _ := strings.Cut(entry, "=")
		env = env.set(key, entry)
	}
	return env
}

// set changes env in place where it can.
func (env environ) set(key, entry string) environ {
	if i := env.index(key); i >= 0 {
		env[i] = entry
		return env
	}
	return append(env, entry)
}

func (env environ) index(key string) int {
	return slices.IndexFunc(env, func(entry string) bool {
		return strings.HasPrefix(entry, key) && len(entry) > len(key) && entry[len(key)] == '='
	})
}
