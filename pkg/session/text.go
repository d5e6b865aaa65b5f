// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"crypto/sha256"
	"fmt"

	"tilt.dev/session/pkg/text"
)

const (
	// maxText is how many bytes an error has in a status. Errors quote commands
	// and output, which have no bound of their own; the log has all of them.
	maxText = 8 << 10
	// shortText is how many bytes an error has in a status that has to be small.
	shortText = 256
	// maxName is how many bytes the name of a resource has in a status.
	maxName = 512
)

// noteLog is a part of the note in a shortened text that the log has as well.
const noteLog = "; the log has them"

// errorText is an error as a status holds it: valid UTF-8 of at most maxText bytes.
func errorText(s string) string { return shorten(s, maxText, "") }

// loggedText is errorText of what the log has as well.
func loggedText(s string) string { return shorten(s, maxText, noteLog) }

// shorten is s with its middle replaced, if it is longer than limit bytes, by a note
// of how much is missing and where that is.
func shorten(s string, limit int, where string) string {
	return text.Elide(s, limit, func(missing int) string {
		return fmt.Sprintf("\n[... %d bytes are left out here%s ...]\n", missing, where)
	})
}

// resourceName is the name of a resource as a status holds it. The hash keeps names
// that are cut different from each other.
func resourceName(s string) string {
	return text.Elide(s, maxName, func(missing int) string {
		return fmt.Sprintf("...[%d bytes, sha256 %x]...", missing, sha256.Sum256([]byte(s)))
	})
}
