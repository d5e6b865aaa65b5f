// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"path/filepath"

	"go.starlark.net/starlark"
)

// configLibrary has how the program was called.
func (e *evaluation) configLibrary() library {
	return library{
		"config.main_dir":        starlark.String(filepath.Dir(e.options.Path)),
		"config.main_path":       starlark.String(e.options.Path),
		"config.tilt_subcommand": starlark.String(e.options.Subcommand),
	}
}
