// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"strings"

	"go.starlark.net/starlark"
)

// quote is shlex.quote(s): it makes a word of a POSIX shell command.
func quote(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var s text
	if err := starlark.UnpackArgs(fn.Name(), args, alias(kwargs, "name", "s"), "s", &s); err != nil {
		return nil, err
	}
	return starlark.String(shellWord(string(s))), nil
}

func shellWord(s string) string {
	unsafe := func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-", r)
	}
	if s != "" && !strings.ContainsFunc(s, unsafe) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
}
