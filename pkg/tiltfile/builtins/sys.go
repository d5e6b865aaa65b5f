// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import "go.starlark.net/starlark"

// Sys returns sys.argv, the command line of the program, and sys.executable, the path of its file, None when that is
// empty.
func Sys(argv []string, executable string) Library {
	list := stringValues(argv)
	list.Freeze()
	l := Library{"sys.argv": list, "sys.executable": starlark.None}
	if executable != "" {
		l["sys.executable"] = starlark.String(executable)
	}
	return l
}

// stringValues returns a list of strings.
func stringValues(words []string) *starlark.List {
	var values []starlark.Value
	for _, word := range words {
		values = append(values, starlark.String(word))
	}
	return starlark.NewList(values)
}
