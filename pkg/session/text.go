// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	// maxText is how many bytes an error has in a status. Errors quote commands
	// and output, which have no bound of their own; the log has all of them.
	maxText = 8 << 10
	// maxName is how many bytes the name of a resource has in a status.
	maxName = 512
)

// text is an error as a status holds it: of at most maxText bytes, and without
// what isn't UTF-8, which no encoding of the API can carry.
func text(s string) string { return shorten(s, maxText, "") }

// logged is text of what the log has as well.
func logged(s string) string { return shorten(s, maxText, "; the log has them") }

// resourceName is the name of a resource as a status holds it. Names that are
// cut stay different from each other by their hash.
func resourceName(s string) string {
	return elide(s, maxName, func(missing int) string {
		return fmt.Sprintf("...[%d bytes, sha256 %x]...", missing, sha256.Sum256([]byte(s)))
	})
}

// shorten is s with its middle replaced, if it's longer than limit bytes, by a
// note of how much is missing and where it is.
func shorten(s string, limit int, where string) string {
	return elide(s, limit, func(missing int) string {
		return fmt.Sprintf("\n[... %d bytes are left out here%s ...]\n", missing, where)
	})
}

// elide is s, or if it's longer than limit bytes its start and its end around a
// note, which together aren't.
func elide(s string, limit int, note func(missing int) string) string {
	if len(s) <= limit {
		return cut(valid(s), limit)
	}
	kept := max(limit-len(note(len(s))), 0)
	head, end := kept-kept/3, len(s)-kept/3
	for head > 0 && !utf8.RuneStart(s[head]) {
		head--
	}
	for end < len(s) && !utf8.RuneStart(s[end]) {
		end++
	}
	// What replaces a byte that isn't UTF-8 is longer than it.
	return cut(valid(s[:head]), head) + note(end-head) + cut(valid(s[end:]), len(s)-end)
}

// cut is s without what's beyond n bytes, and without the half of a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
