// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tilt.dev/session/pkg/model"
)

// TestCompose evaluates the cases in testdata/compose, which have the form of those of TestScripts.
func TestCompose(t *testing.T) {
	paths, err := filepath.Glob("testdata/compose/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { testArchive(t, path, evaluate) })
	}
}

// composes returns whether a project has Compose services.
func composes(p model.Project) bool {
	return slices.ContainsFunc(p.Resources, func(r model.Resource) bool {
		_, ok := r.Update.(*model.ComposeUp)
		return ok
	})
}

// dumpComposed describes a Compose service, without what is the default.
func dumpComposed(b *strings.Builder, r model.Resource) {
	up, ok := r.Update.(*model.ComposeUp)
	if !ok {
		return
	}
	fmt.Fprintf(b, "  compose: %s\n", strings.Join(append(up.Project.Arguments(), up.Service), " "))
	if up.Project.Wait {
		fmt.Fprintf(b, "  waits\n")
	}
	if up.Builds {
		fmt.Fprintf(b, "  builds\n")
	}
	if up.Image != "" {
		fmt.Fprintf(b, "  image: %s\n", up.Image)
	}
	for _, l := range r.LiveUpdates {
		b.WriteString("  ")
		dumpLiveUpdate(b, &l)
	}
	if up.Config == "" {
		fmt.Fprintf(b, "  no digest\n")
	}
	service, ok := r.Runtime.(*model.ComposeService)
	if !ok {
		fmt.Fprintf(b, "  no containers\n")
		return
	}
	if service.Scale != 1 {
		fmt.Fprintf(b, "  scale: %d\n", service.Scale)
	}
	if service.OneOff {
		fmt.Fprintf(b, "  one-off\n")
	}
	if service.StopGrace != 0 {
		fmt.Fprintf(b, "  stops within %v\n", service.StopGrace)
	}
}
