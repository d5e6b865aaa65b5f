// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"runtime/debug"

	utilversion "k8s.io/apimachinery/pkg/util/version"
)

// version is set by the linker. Without that, the build information has the version.
var version string

// development is the version of a build of which nothing is known.
const development = "v0.1.0-dev"

// ownVersion is a semantic version with a "v".
func ownVersion() string {
	info, _ := debug.ReadBuildInfo()
	return cmp.Or(version, buildVersion(info))
}

// buildVersion is the version of the main module or, without one, that of the commit.
func buildVersion(info *debug.BuildInfo) string {
	if info == nil {
		return development
	}
	if _, err := utilversion.ParseSemantic(info.Main.Version); err == nil {
		return info.Main.Version
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	own := development
	if revision := settings["vcs.revision"]; revision != "" {
		own += "-g" + revision[:min(12, len(revision))]
	}
	if settings["vcs.modified"] == "true" {
		own += "-dirty"
	}
	return own
}
