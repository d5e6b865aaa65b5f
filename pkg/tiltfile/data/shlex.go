// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package data

import "strings"

// QuoteWord returns a text as one word of a POSIX shell command.
func QuoteWord(s string) string {
	unsafe := func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-", r)
	}
	if s != "" && !strings.ContainsFunc(s, unsafe) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
}
