// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build helm

package tiltfile

import "testing"

// TestHelm evaluates testdata/helm.txtar with the helm on PATH.
func TestHelm(t *testing.T) { testArchive(t, "testdata/helm/helm.txtar", evaluate) }
