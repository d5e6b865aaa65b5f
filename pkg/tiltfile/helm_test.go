// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build helm

package tiltfile

import "testing"

// TestHelm evaluates testdata/helm with the helm on PATH.
func TestHelm(t *testing.T) {
	for _, name := range []string{"helm", "public"} {
		testArchive(t, "testdata/helm/"+name+".txtar", evaluate)
	}
}
