// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package data reads, decodes and encodes the data of a Tiltfile: files and streams, JSON, YAML, Kubernetes objects
// and shell words.
//
// It knows Starlark values, but neither the builtins that use it nor the evaluation that they belong to.
package data

import (
	"strings"

	"go.starlark.net/starlark"
)

// Blob is text from a file or a command. Unlike a string it has no methods: str(b) returns one.
type Blob string

var _ starlark.Value = Blob("")

// String returns the text itself, so that str(b) does.
func (b Blob) String() string        { return string(b) }
func (b Blob) Type() string          { return "blob" }
func (b Blob) Freeze()               {}
func (b Blob) Truth() starlark.Bool  { return b != "" }
func (b Blob) Hash() (uint32, error) { return starlark.String(b).Hash() }

// AsText returns the text of a string or a blob.
func AsText(v starlark.Value) (string, bool) {
	if b, ok := v.(Blob); ok {
		return string(b), true
	}
	return starlark.AsString(v)
}

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
