// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"os"
	"testing"
	"time"

	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/model"
)

func TestChanges(t *testing.T) {
	long := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, test := range []struct {
		name   string
		change func(p *place)
		want   []string
	}{
		{"write", func(p *place) { p.write("d/a") }, []string{"d/a"}},
		{"create", func(p *place) { p.write("d/new") }, []string{"d/new"}},
		{"remove", func(p *place) { p.remove("d/a") }, []string{"d/a"}},
		{"rename", func(p *place) { p.rename("d/a", "d/c") }, []string{"d/a", "d/c"}},
		{"replace", func(p *place) { p.write("d/a~"); p.rename("d/a~", "d/a") }, []string{"d/a"}},
		{"replace from outside", func(p *place) { p.write("a.new"); p.rename("a.new", "d/a") }, []string{"d/a"}},
		{"move away", func(p *place) { p.rename("d/a", "a") }, []string{"d/a"}},
		{"truncate", func(p *place) { p.check(os.Truncate(p.path("d/a"), 0)) }, []string{"d/a"}},
		{"below", func(p *place) { p.write("d/sub/deep/b") }, []string{"d/sub/deep/b"}},
		{"touch", func(p *place) { p.check(os.Chtimes(p.path("d/a"), long, time.Now())) }, []string{"d/a"}},
		{"touch with an old time", func(p *place) { p.check(os.Chtimes(p.path("d/a"), long, long)) }, []string{"d/a"}},
		{"chmod", func(p *place) { p.chmod("d/a", 0o700) }, nil},
		{"chmod directory", func(p *place) { p.chmod("d/sub", 0o700) }, nil},
		{"atime", func(p *place) { p.check(os.Chtimes(p.path("d/a"), time.Now(), time.Time{})) }, nil},
		{"read", func(p *place) { _, err := os.ReadFile(p.path("d/a")); p.check(err) }, nil},
		{"hard link", func(p *place) { p.check(os.Link(p.path("d/a"), p.path("d/b"))) }, []string{"d/b"}},
		{"link", func(p *place) { p.symlink("nowhere", "d/l") }, []string{"d/l"}},
		{"link elsewhere", func(p *place) { p.remove("d/link"); p.symlink("nowhere", "d/link") }, []string{"d/link"}},
		{"link is not followed", func(p *place) { p.write("other/x") }, nil},
		{"beside", func(p *place) { p.write("other/y", "z"); p.mkdir("dd") }, nil},
		{"mkdir", func(p *place) { p.mkdir("d/n/m") }, []string{"d/n", "d/n/m"}},
		{"mkdir and write", func(p *place) { p.write("d/n/m/f") }, []string{"d/n", "d/n/m", "d/n/m/f"}},
		{"rmdir", func(p *place) { p.remove("d/sub") }, []string{"d/sub", "d/sub/deep", "d/sub/deep/b"}},
		{"move directory away", func(p *place) { p.rename("d/sub", "sub"); p.write("sub/deep/b") }, []string{"d/sub"}},
		{"move directory in", func(p *place) { p.rename("other", "d/in") }, []string{"d/in", "d/in/x"}},
		{"rename directory", func(p *place) { p.rename("d/sub", "d/bus") }, []string{"d/sub", "d/bus", "d/bus/deep", "d/bus/deep/b"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPlace(t)
			p.write("d/a", "d/sub/deep/b", "other/x")
			p.symlink("../other", "d/link")
			s := p.watch([]string{"d"})
			s.expect()
			test.change(p)
			s.expect(test.want...)
		})
	}
}

// What was moved, replaced or created is watched as what was there at first.
func TestGoesOn(t *testing.T) {
	for name, change := range map[string]func(p *place){
		"nothing":          func(p *place) {},
		"replaced":         func(p *place) { p.write("new"); p.rename("new", "d/e/f") },
		"recreated":        func(p *place) { p.remove("d/e"); p.write("d/e/f") },
		"at once":          func(p *place) { p.remove("d"); p.write("d/e/f") },
		"swapped":          func(p *place) { p.write("n/f"); p.rename("d/e", "o"); p.rename("n", "d/e") },
		"there and back":   func(p *place) { p.rename("d/e", "x"); p.rename("x", "d/e") },
		"and again":        func(p *place) { p.rename("d", "x"); p.rename("x", "d") },
		"within":           func(p *place) { p.rename("d/e", "d/x"); p.rename("d/x", "d/e") },
		"other directory":  func(p *place) { p.mkdir("d/o"); p.rename("d/e", "d/o/e"); p.rename("d/o/e", "d/e") },
		"parents exchange": func(p *place) { p.write("y/e/f"); p.rename("d", "x"); p.rename("y", "d"); p.rename("x", "y") },
	} {
		for _, what := range []string{"d", "d/e", "d/e/f"} {
			t.Run(name+" "+what, func(t *testing.T) {
				p := newPlace(t)
				p.write("d/e/f")
				s := p.watch([]string{what})
				change(p)
				s.drop()
				p.write("d/e/f")
				s.expect("d/e/f")
			})
		}
	}
}

// A watch can begin in the past: what has changed since is reported.
func TestSince(t *testing.T) {
	p := newPlace(t)
	p.write("f", "d/d/before", "d/d/removed", "e/e/before")
	written := time.Now()
	eventually(t, "some ticks are over", func() bool { return time.Since(written) > 2*tick })
	since := time.Now()
	p.nextTick()
	p.write("g", "d/d/after")
	p.remove("d/d/removed")
	p.nextTick()
	var w model.Watch
	for _, name := range []string{"f", "g", "d/d", "e/e", "missing"} {
		w.Paths = append(w.Paths, p.path(name))
	}
	w.Since = since
	p.start(w).expect("g", "d/d/after")
}

// A change that is made before a watch begins counts as seen when it was made, so a program that read the file since
// then has read the change.
func TestSeenBeforeTheBeginning(t *testing.T) {
	p := newPlaceWith(t, clock.RealClock{})
	p.write("d/gone")
	since := time.Now()
	p.nextTick()
	p.write("f", "d/d/new", "e/old")
	p.remove("d/gone")
	changed := time.Now()
	eventually(t, "some ticks are over", func() bool { return time.Since(changed) > 2*tick })
	began := time.Now()
	s := p.start(model.Watch{Paths: []string{p.path("f"), p.path("d"), p.path("e")}, Since: since})
	s.await("f", "d/d", "e/old")
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.batches[0] {
		if c.Seen.Before(since) || c.Seen.Before(c.Modified) || !c.Seen.Before(began) {
			t.Errorf("%s was seen at %v, not from %v to %v", c.Path, c.Seen, since, began)
		}
	}
}
