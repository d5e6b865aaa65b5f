// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"k8s.io/utils/clock"
	testingclock "k8s.io/utils/clock/testing"

	"tilt.dev/session/pkg/model"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// place is a directory of files, and a Watcher.
type place struct {
	t   testing.TB
	dir string
	w   *Watcher
}

// newPlace returns a place whose Watcher reports changes without a pause.
func newPlace(t testing.TB) *place {
	t.Helper()
	clock := testingclock.NewFakeClock(time.Now())
	ctx, cancel := context.WithCancel(t.Context())
	var hurrying sync.WaitGroup
	hurrying.Go(func() {
		for tick := time.NewTicker(time.Millisecond); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
				if clock.HasWaiters() {
					clock.Step(quiet)
				}
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		hurrying.Wait()
	})
	return newPlaceWith(t, clock)
}

func newPlaceWith(t testing.TB, clock clock.Clock) *place {
	t.Helper()
	w, err := New(clock)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return &place{t, dir, w}
}

func (p *place) path(name string) string { return filepath.Join(p.dir, name) }

// check fails the test on an error of preparing something.
func (p *place) check(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// write writes files, with the directories that they need.
func (p *place) write(names ...string) {
	p.t.Helper()
	for _, name := range names {
		p.check(os.MkdirAll(filepath.Dir(p.path(name)), 0o755))
		p.check(os.WriteFile(p.path(name), []byte(time.Now().String()), 0o644))
	}
}

func (p *place) mkdir(name string)       { p.t.Helper(); p.check(os.MkdirAll(p.path(name), 0o755)) }
func (p *place) remove(name string)      { p.t.Helper(); p.check(os.RemoveAll(p.path(name))) }
func (p *place) rename(old, name string) { p.t.Helper(); p.check(os.Rename(p.path(old), p.path(name))) }
func (p *place) symlink(to, name string) { p.t.Helper(); p.check(os.Symlink(to, p.path(name))) }
func (p *place) chmod(name string, m int) {
	p.t.Helper()
	p.check(os.Chmod(p.path(name), os.FileMode(m)))
}

// nextTick waits for a tick of the file system's clock, so that later changes have later times.
func (p *place) nextTick() {
	p.t.Helper()
	done := time.Now().UnixNano()
	eventually(p.t, "the clock of the file system goes on", func() bool { return fileNow() > done })
}

// seen is what a watch has reported.
type seen struct {
	p *place

	mu      sync.Mutex
	batches [][]model.Change
	paths   map[string]int
}

// watch begins to watch paths of the place, and returns when everything is set up.
func (p *place) watch(names []string, patterns ...string) *seen {
	p.t.Helper()
	p.nextTick()
	w := model.Watch{}
	for _, name := range names {
		w.Paths = append(w.Paths, p.path(name))
	}
	if len(patterns) > 0 {
		w.Ignores = []model.IgnoreSet{{Base: p.dir, Patterns: patterns, Source: "test"}}
	}
	s := p.start(w)
	// The last file is noticed when everything else is set up.
	s.sync()
	return s
}

// start begins to watch, until the test ends.
func (p *place) start(w model.Watch, also ...func([]model.Change)) *seen {
	p.t.Helper()
	s := &seen{p: p, paths: map[string]int{}}
	ctx, cancel := context.WithCancel(p.t.Context())
	ended := make(chan error, 1)
	before := p.w.watches()
	w.Paths = append(slices.Clone(w.Paths), p.path(".sync"))
	go func() {
		ended <- p.w.Watch(ctx, w, func(changes []model.Change) {
			for _, report := range append(also, s.take) {
				report(changes)
			}
		})
	}()
	eventually(p.t, "the watch has begun", func() bool { return p.w.watches() > before })
	p.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			p.t.Error(err)
		}
		if n := p.w.watching(); n > 0 && p.w.watches() == 0 {
			p.t.Errorf("%d directories are still watched", n)
		}
	})
	return s
}

// watching returns how many directories are watched.
func (w *Watcher) watching() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.directories)
}

// watches returns how many watches have begun and not ended.
func (w *Watcher) watches() int {
	w.inboxesMu.Lock()
	defer w.inboxesMu.Unlock()
	return len(w.inboxes)
}

func (s *seen) take(changes []model.Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches = append(s.batches, changes)
	for _, c := range changes {
		s.paths[c.Path]++
	}
}

// has says whether something was reported.
func (s *seen) has(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.paths[s.p.path(name)] > 0
}

// sync waits until everything that was done before has been reported.
func (s *seen) sync() {
	s.p.t.Helper()
	s.reset(".sync")
	s.p.write(".sync")
	s.await(".sync")
}

func (s *seen) reset(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.paths, s.p.path(name))
}

func (s *seen) await(names ...string) {
	s.p.t.Helper()
	for _, name := range names {
		eventually(s.p.t, "a report of "+name, func() bool { return s.has(name) })
	}
}

// expect fails unless exactly these were reported since the last time.
func (s *seen) expect(names ...string) {
	s.p.t.Helper()
	s.sync()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.paths, s.p.path(".sync"))
	var got []string
	for _, path := range slices.Sorted(maps.Keys(s.paths)) {
		got = append(got, strings.TrimPrefix(strings.TrimPrefix(path, s.p.dir), "/"))
	}
	slices.Sort(names)
	if !slices.Equal(got, names) {
		s.p.t.Errorf("got %q, want %q", got, names)
	}
	clear(s.paths)
}

// drop forgets everything that was reported.
func (s *seen) drop() {
	s.p.t.Helper()
	s.sync()
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.paths)
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", patience, what)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestClose(t *testing.T) {
	p := newPlace(t)
	began, ended := make(chan struct{}), make(chan error)
	go func() {
		close(began)
		ended <- p.w.Watch(t.Context(), model.Watch{Paths: []string{p.dir}}, func([]model.Change) {})
	}()
	<-began
	for range 2 {
		p.check(p.w.Close())
	}
	if err := <-ended; !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
	if err := p.w.Watch(t.Context(), model.Watch{Paths: []string{p.dir}}, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
}
