// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"os"
	"strings"
	"testing"
	"time"

	"tilt.dev/session/pkg/model"
)

func TestMissingPaths(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(p *place)
		want   []string
	}{
		{"file", func(p *place) { p.write("d/e/f") }, []string{"d/e/f"}},
		{"directory", func(p *place) { p.write("d/e/f/g") }, []string{"d/e/f", "d/e/f/g"}},
		{"not all the way", func(p *place) { p.mkdir("d/e") }, nil},
		{"comes and goes", func(p *place) { p.mkdir("d/e"); p.remove("d"); p.mkdir("d") }, nil},
		{"is moved there", func(p *place) { p.write("x/f/g"); p.mkdir("d"); p.rename("x", "d/e") }, []string{"d/e/f", "d/e/f/g"}},
		{"file in the way", func(p *place) { p.write("d/e") }, nil},
		{"file in the way is replaced", func(p *place) { p.write("d/e"); p.remove("d/e"); p.write("d/e/f") }, []string{"d/e/f"}},
		{"by a link", func(p *place) { p.write("x/f"); p.mkdir("d"); p.symlink("../x", "d/e") }, []string{"d/e/f"}},
		{"dangling link", func(p *place) { p.mkdir("d/e"); p.symlink("../../x", "d/e/f") }, nil},
		{"dangling link is filled", func(p *place) { p.mkdir("d/e"); p.symlink("../../x", "d/e/f"); p.write("x") }, []string{"d/e/f"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPlace(t)
			s := p.watch([]string{"d/e/f"})
			test.change(p)
			s.expect(test.want...)
		})
	}
}

// A watch follows links and reports the requested path.
func TestLinks(t *testing.T) {
	for _, test := range []struct {
		name, path string
		change     func(p *place)
		want       []string
	}{
		{"write to the target", "dir", func(p *place) { p.write("real/a") }, []string{"dir/a"}},
		{"write through the link", "dir", func(p *place) { p.write("dir/a") }, []string{"dir/a"}},
		{"create below", "dir", func(p *place) { p.write("real/n/m") }, []string{"dir/n", "dir/n/m"}},
		{"file", "file", func(p *place) { p.write("real/a") }, []string{"file"}},
		{"file is replaced", "file", func(p *place) { p.write("x"); p.rename("x", "real/a") }, []string{"file"}},
		{"beside the file", "file", func(p *place) { p.write("real/b", "real/c") }, nil},
		{"behind a link", "dir/a", func(p *place) { p.write("real/a") }, []string{"dir/a"}},
		{"link to a link", "far", func(p *place) { p.write("real/a") }, []string{"far"}},
		{"middle link is moved", "far", func(p *place) { p.remove("file"); p.symlink("other/b", "file") }, []string{"far"}},
		{"absolute link", "absolute", func(p *place) { p.write("real/a") }, []string{"absolute/a"}},
		{"link is moved", "dir", func(p *place) { p.remove("dir"); p.symlink("other", "dir") }, []string{"dir", "dir/b"}},
		{"link is exchanged", "dir", func(p *place) { p.symlink("other", "new"); p.rename("new", "dir") }, []string{"dir", "dir/b"}},
		{"link is removed", "dir", func(p *place) { p.remove("dir"); p.write("real/a") }, []string{"dir"}},
		{"target is removed", "dir", func(p *place) { p.remove("real") }, []string{"dir", "dir/a"}},
		{"old target", "dir", func(p *place) {
			p.remove("dir")
			p.symlink("other", "dir")
			p.write("real/x")
		}, []string{"dir", "dir/b"}},
		{"up and down", "up", func(p *place) { p.write("real/a") }, []string{"up"}},
		{"round and round", "loop", func(p *place) { p.write("real/a") }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPlace(t)
			p.write("real/a", "other/b")
			p.symlink("real", "dir")
			p.symlink("real/a", "file")
			p.symlink("./file", "far")
			p.symlink(p.path("real"), "absolute")
			p.symlink("other/../dir/../real/./a", "up")
			p.symlink("loop", "loop")
			s := p.watch([]string{test.path})
			s.expect()
			test.change(p)
			s.expect(test.want...)
		})
	}
}

// Two paths that lead to one directory are both reported.
func TestTwoNames(t *testing.T) {
	p := newPlace(t)
	p.write("real/sub/a")
	p.symlink("real", "dir")
	s := p.watch([]string{"real", "dir", "dir/sub/a"})
	p.write("real/sub/a")
	s.expect("real/sub/a", "dir/sub/a")
	other := p.watch([]string{"real/sub"})
	p.rename("real/sub/a", "real/sub/b")
	s.drop()
	other.expect("real/sub/a", "real/sub/b")
}

func TestPathErrors(t *testing.T) {
	p := newPlace(t)
	for want, w := range map[string]model.Watch{
		`watch files: "x/y" must be an absolute path`: {Paths: []string{p.dir, "x/y"}},
		`watch files: T: pattern "a[": syntax error in pattern`: {
			Ignores: []model.IgnoreSet{{Base: p.dir, Patterns: []string{"ok", "a["}, Source: "T"}},
		},
		`watch files: T: base directory "x" of ignore patterns must be an absolute path`: {
			Ignores: []model.IgnoreSet{{Base: "x", Source: "T"}},
		},
	} {
		err := p.w.Watch(t.Context(), w, func([]model.Change) {})
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if n := p.w.watching(); n > 0 {
		t.Errorf("%d directories are still watched", n)
	}
}

// Nothing to watch is watched until the end.
func TestNoPaths(t *testing.T) {
	p := newPlace(t)
	s := p.start(model.Watch{})
	s.sync()
}

// What's modified while a watch is set up isn't lost, whether the directory is watched already or not.
func TestNothingIsLostAtTheBeginning(t *testing.T) {
	for name, others := range map[string]int{"alone": 0, "beside others": 2} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			for _, dir := range strings.Fields("a b c d e f g h i j k l m n o p q r s t") {
				p.write("top/"+dir+"/x/f", "top/"+dir+"/x/gone", "top/"+dir+"/moved")
			}
			p.write("old/f")
			for range others {
				p.watch([]string{"top"})
			}
			for i := range 10 {
				p.nextTick()
				s := p.start(model.Watch{Paths: []string{p.path("top")}})
				p.write("top/t/x/f", "top/c/x/f", "top/new/f", "top/a/x/f")
				p.check(os.Truncate(p.path("top/k/x/f"), 0))
				p.remove("top/h/x/gone")
				p.rename("top/r/moved", "top/r/x/moved")
				p.rename("old", "top/b/old")
				s.sync()
				s.await("top/t/x/f", "top/c/x/f", "top/new/f", "top/a/x/f", "top/k/x/f", "top/r/x/moved", "top/b/old")
				eventually(t, "the removal", func() bool { return s.has("top/h/x/gone") || s.has("top/h/x") })
				if s.has("top/e/x/f") || s.has("top/e") {
					t.Errorf("%d: reported what wasn't changed", i)
				}
				p.rename("top/b/old", "old")
				p.rename("top/r/x/moved", "top/r/moved")
				p.write("top/h/x/gone")
				p.remove("top/new")
			}
		})
	}
}

// A directory that is found under its new name before the event of its renaming remains watched.
func TestFoundBeforeItsEvent(t *testing.T) {
	p := newPlace(t)
	p.write("top/a/f")
	p.mkdir("out")
	s := p.watch([]string{"top"})
	r := &root{watch: &watch{inbox: p.w.newInbox()}}
	defer p.w.removeInbox(r.inbox)
	p.w.mu.Lock()
	p.rename("top/a", "out/a")
	d, err := p.w.open(p.path("out/a"))
	if d == nil || err != nil {
		t.Fatal(d, err)
	}
	d.readers[r], d.listed = struct{}{}, true
	p.w.mu.Unlock()
	defer p.w.release(r, d.path)
	s.expect("top/a")
	p.write("out/a/f")
	select {
	case <-r.inbox.filled:
	case <-time.After(patience):
		t.Error("a write wasn't noticed")
	}
}

// A file that is created and removed before the Watcher looks at it is reported, because a program may have read it.
func TestCameAndWent(t *testing.T) {
	p := newPlace(t)
	p.mkdir("top")
	s := p.watch([]string{"top", "alone", "missing/x"})
	p.w.mu.Lock()
	p.write("top/f", "alone")
	p.mkdir("top/d")
	p.symlink("nothing", "top/l")
	p.rename("top/l", "l")
	for _, name := range []string{"top/f", "top/d", "alone", "l"} {
		p.remove(name)
	}
	p.w.mu.Unlock()
	s.expect("top/f", "top/d", "top/l", "alone")
}
