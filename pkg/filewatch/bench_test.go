// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/model"
)

// project writes a tree of 10,000 files in 1,000 directories.
func project(p *place) {
	for i := range 1000 {
		for j := range 10 {
			p.write(fmt.Sprintf("top/%d/%d/%d/%d.go", i/100, i/10, i, j))
		}
	}
}

// The time from the beginning of watches of one tree until they're set up.
func BenchmarkBegin(b *testing.B) {
	for _, watches := range []int{1, 50} {
		b.Run(fmt.Sprintf("%d watches", watches), func(b *testing.B) {
			p := newPlace(b)
			project(p)
			w := model.Watch{
				Paths:   []string{p.path("top"), p.path(".sync")},
				Ignores: []model.IgnoreSet{{Base: p.dir, Patterns: []string{"**/node_modules", "*.log", ".git"}}},
			}
			b.ReportAllocs()
			for b.Loop() {
				ctx, cancel := context.WithCancel(b.Context())
				var all sync.WaitGroup
				var roots []*root
				for range watches {
					run := &watch{watcher: p.w, since: fileNow()}
					var err error
					run.ignores, err = newIgnores(w.Ignores)
					p.check(err)
					run.inbox = p.w.newInbox()
					r := &root{watch: run, path: p.path("top"), tree: map[string]map[string]struct{}{}}
					roots = append(roots, r)
					all.Go(func() {
						if err := r.begin(ctx); err != nil {
							b.Error(err)
						}
					})
				}
				all.Wait()
				b.StopTimer()
				cancel()
				for _, r := range roots {
					r.end()
					p.w.removeInbox(r.inbox)
				}
				b.StartTimer()
			}
		})
	}
}

// The time from a write to its report, without the pause that collects more changes.
func BenchmarkChange(b *testing.B) {
	p := newPlaceWith(b, clock.RealClock{})
	project(p)
	ctx, cancel := context.WithCancel(b.Context())
	run := &watch{watcher: p.w, since: fileNow(), inbox: p.w.newInbox()}
	defer p.w.removeInbox(run.inbox)
	r := &root{watch: run, path: p.path("top"), tree: map[string]map[string]struct{}{}}
	p.check(r.begin(ctx))
	for b.Loop() {
		p.write("top/5/55/555/5.go")
		<-run.inbox.filled
	}
	r.end()
	cancel()
}
