// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import "go.starlark.net/starlark"

// sysLibrary has how the program was called.
func (e *evaluation) sysLibrary() library {
	words := make([]starlark.Value, len(e.options.Argv))
	for i, word := range e.options.Argv {
		words[i] = starlark.String(word)
	}
	argv := starlark.NewList(words)
	argv.Freeze()
	l := library{"sys.argv": argv, "sys.executable": starlark.None}
	if e.options.Executable != "" {
		l["sys.executable"] = starlark.String(e.options.Executable)
	}
	return l
}
