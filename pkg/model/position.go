// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import "fmt"

// Position is where in a Tiltfile something is defined. The zero value is an unknown position.
type Position struct {
	// File is the absolute path of the Tiltfile, or of a file that it loads. Line is 1 for its first line.
	File string
	Line int
}

// String is FILE:LINE, empty if the position is unknown.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}
