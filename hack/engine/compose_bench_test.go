// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build engine

package engine

import (
	"fmt"
	"strings"
	"testing"

	"tilt.dev/session/pkg/compose"
	"tilt.dev/session/pkg/model"
)

// BenchmarkComposeStart is the start of many services, by Compose alone and as a run.
func BenchmarkComposeStart(b *testing.B) {
	const services = 30
	var text, ready strings.Builder
	for i := range services {
		fmt.Fprintf(&text, "  s%d:\n    image: IMAGE\n    command: [/app, serve]\n", i)
		fmt.Fprintf(&ready, " s%d=succeeded/ready", i)
	}
	b.Run("compose", func(b *testing.B) {
		a := newApp(b, text.String())
		for b.Loop() {
			a.compose("up", "-d")
			b.StopTimer()
			a.compose("down", "-t", "0")
			b.StartTimer()
		}
	})
	b.Run("run", func(b *testing.B) {
		a := newApp(b, text.String())
		var resources []model.Resource
		for i := range services {
			resources = append(resources, a.service(fmt.Sprint("s", i)))
		}
		for b.Loop() {
			p := a.begin(compose.Options{}, resources...)
			p.wait(ready.String()[1:])
			b.StopTimer()
			p.end()
			a.compose("down", "-t", "0")
			b.StartTimer()
		}
	})
}
