// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package data reads, decodes and encodes the data of a Tiltfile: files and streams, JSON, YAML, Kubernetes
// objects and shell words.
//
// It knows Starlark values, but neither the builtins that use it nor the evaluation that they belong to.
package data

import "go.starlark.net/starlark"

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
