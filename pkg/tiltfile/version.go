// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"fmt"

	"github.com/blang/semver/v4"
	"go.starlark.net/starlark"
)

// tiltVersion is the version of Tilt whose language this package implements.
// It's what a Tiltfile's constraint is about: its author thought of Tilt, and
// our own version says nothing of which builtins there are.
const tiltVersion = "0.37.6"

// versionSettings is version_settings(check_updates=True, constraint=""). Nobody
// looks for updates.
func versionSettings(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var checkUpdates bool
	var constraint string
	err := starlark.UnpackArgs(fn.Name(), args, kwargs, "check_updates??", &checkUpdates, "constraint??", &constraint)
	if err != nil || constraint == "" {
		return starlark.None, err
	}
	wanted, err := semver.ParseRange(constraint)
	if err != nil {
		return nil, fmt.Errorf("error parsing version constraint %q: %w", constraint, err)
	}
	if !wanted(semver.MustParse(tiltVersion)) {
		return nil, fmt.Errorf("the Tiltfile wants a Tilt of version %q, and this program works as Tilt %s", constraint, tiltVersion)
	}
	return starlark.None, nil
}
