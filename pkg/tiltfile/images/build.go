// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/image/dockerfile"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/builtins"
	"tilt.dev/session/pkg/tiltfile/data"
)

// newBuild returns a build that isn't declared yet.
func (i *Images) newBuild(c *builtins.Call, ref builtins.Text) (*build, error) {
	name, err := dockerfile.ParseName(string(ref))
	if err != nil {
		//lint:ignore ST1005 The words that users of Tilt know.
		return nil, fmt.Errorf("Argument 1 (ref): can't parse %q: %w", string(ref), unwrapAll(err))
	}
	if strings.Contains(name.String(), "@") {
		//lint:ignore ST1005 As above.
		return nil, fmt.Errorf("Argument 1 (ref): can't build %q: the digest of an image isn't known before", string(ref))
	}
	return &build{name: name, position: c.Position()}, nil
}

// unwrapAll returns the innermost error.
func unwrapAll(err error) error {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return err
}

// add declares a build.
func (i *Images) add(b *build) error {
	if i.declared(b.name) != nil {
		//lint:ignore ST1005 The words that users of Tilt know.
		return fmt.Errorf("Image for ref %q has already been defined", b.name.String())
	}
	i.builds = append(i.builds, b)
	i.byRepository[b.name.Repository()] = append(i.byRepository[b.name.Repository()], b)
	return nil
}

// useOf returns how objects use an image.
func useOf(inEnv bool, entrypoint builtins.CommandLine, args argumentList) model.ImageUse {
	use := model.ImageUse{MatchInEnvVars: inEnv, Args: args}
	if entrypoint.Command != nil {
		use.Command = entrypoint.Argv
	}
	return use
}

// argumentList is a list of strings, which may be empty. It is nil when it is left out.
type argumentList []string

// Unpack implements starlark.Unpacker.
func (l *argumentList) Unpack(v starlark.Value) error {
	if _, ok := data.AsText(v); ok {
		return fmt.Errorf("got %s, want list of strings", v.Type())
	}
	return (*builtins.StringList)(l).Unpack(v)
}

// checkLines returns an error for a pattern or path with a line break.
func checkLines(parameter string, values []string) error {
	for _, value := range values {
		if strings.Contains(value, "\n") {
			return fmt.Errorf("%s cannot contain newlines; found %s: %q", parameter, parameter, value)
		}
	}
	return nil
}

// syncOnlyScript is the command of a build that only brings files into the containers of another's image.
const syncOnlyScript = ":"

// syncsOnly returns whether a build makes no image, as those of the extension file_sync_only.
func (b *build) syncsOnly() bool {
	return b.custom != nil && b.custom.SkipsLocalDocker && b.liveUpdate != nil &&
		slices.Equal(b.custom.Command.Argv, []string{"sh", "-c", syncOnlyScript})
}
