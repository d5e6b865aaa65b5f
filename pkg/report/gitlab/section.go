// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package gitlab writes the sections that GitLab folds in the log of a job.
package gitlab

import (
	"fmt"
	"io"
	"strings"
	"time"

	"tilt.dev/session/pkg/text"
)

// Output is the log of a job. What is written to it contains no sections but those of Fold and Unfold. It is not safe
// for concurrent use.
type Output struct {
	w io.Writer
	// name is that of the section that has begun, and used counts the sections of each name.
	name string
	used map[string]int
}

// NewOutput returns an output to w.
func NewOutput(w io.Writer) *Output { return &Output{w: w, used: map[string]int{}} }

// Harmless is a text without borders of sections. In these a carriage return follows the name; here each one follows an
// escape sequence that shows nothing.
func Harmless(text string) string { return strings.ReplaceAll(text, "\r", "\x1b[0K\r") }

// Write writes text, or a part of it.
func (o *Output) Write(p []byte) (int, error) {
	if _, err := io.WriteString(o.w, Harmless(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Fold begins a section about what began at a time. It is shown only once its title is clicked.
func (o *Output) Fold(title, name string, began time.Time) error {
	o.name = o.unique(name)
	_, err := fmt.Fprintf(o.w, "\x1b[0Ksection_start:%d:%s[collapsed=true]\r\x1b[0K%s\n",
		began.Unix(), o.name, text.Printable(title))
	return err
}

// Unfold ends the section that has begun. GitLab shows how long it took from its beginning until ended.
func (o *Output) Unfold(ended time.Time) error {
	_, err := fmt.Fprintf(o.w, "\x1b[0Ksection_end:%d:%s\r\x1b[0K\n", ended.Unix(), o.name)
	return err
}

// unique is a name of letters, digits and "_.-" that no section had before.
func (o *Output) unique(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("_.-", r):
			return r
		}
		return '_'
	}, name)
	o.used[name]++
	if n := o.used[name]; n > 1 {
		return o.unique(fmt.Sprintf("%s.%d", name, n))
	}
	return name
}
