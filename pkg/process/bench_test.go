// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// A thousand commands, eight at a time, as a Runner and as xargs start them.
func BenchmarkThousand(b *testing.B) {
	const commands, atOnce = 1000, 8
	b.Run("xargs", func(b *testing.B) {
		for b.Loop() {
			xargs := exec.Command("xargs", "-P8", "-n1", "true")
			xargs.Stdin = strings.NewReader(strings.Repeat("x\n", commands))
			if err := xargs.Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
	for name, options := range map[string]Options{
		"plain": {},
		"all":   {Guard: []string{os.Args[0], guardMode}, AdoptOrphans: true},
	} {
		b.Run(name, func(b *testing.B) {
			r := newRunner(b, options)
			spec := Spec{Argv: []string{"true"}, Env: os.Environ()}
			for b.Loop() {
				slots := make(chan struct{}, atOnce)
				var all sync.WaitGroup
				for range commands {
					slots <- struct{}{}
					all.Go(func() {
						defer func() { <-slots }()
						p, err := r.Start(spec)
						if err != nil {
							b.Error(err)
							return
						}
						<-p.Done()
					})
				}
				all.Wait()
			}
		})
	}
}
