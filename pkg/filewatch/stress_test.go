// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tilt.dev/session/pkg/model"
)

// mirror is the state of a tree according to reports alone.
type mirror struct {
	dir string

	mu    sync.Mutex
	files map[string]string
}

// state is what a mirror has of a file.
func state(info fs.FileInfo) string {
	if info.IsDir() {
		return "directory"
	}
	return fmt.Sprintf("%d bytes, %v", info.Size(), info.ModTime().UnixNano())
}

// snapshot returns all that there is.
func snapshot(t testing.TB, dir string) map[string]string {
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || path == dir:
			return err
		case strings.HasSuffix(path, "~") && entry.IsDir():
			return fs.SkipDir
		case strings.HasSuffix(path, "~"):
			return nil
		}
		info, err := entry.Info()
		if err == nil {
			files[path] = state(info)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// lstat returns what there is in the tree under a path. What's found through a link isn't in the tree.
func (m *mirror) lstat(path string) (fs.FileInfo, error) {
	for dir := filepath.Dir(path); strings.HasPrefix(dir, m.dir); dir = filepath.Dir(dir) {
		if kind := look(dir).kind; kind != folder {
			return nil, fs.ErrNotExist
		}
	}
	return os.Lstat(path)
}

func (m *mirror) take(changes []model.Change) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range changes {
		if c.Path != m.dir && !strings.HasPrefix(c.Path, m.dir+"/") {
			continue
		}
		m.update(c.Path)
		for path := range m.files {
			if strings.HasPrefix(path, c.Path+"/") {
				m.update(path)
			}
		}
	}
}

// update looks at one path.
func (m *mirror) update(path string) {
	info, err := m.lstat(path)
	if err != nil || path == m.dir || strings.Contains(path+"/", "~/") {
		delete(m.files, path)
		return
	}
	m.files[path] = state(info)
}

func (m *mirror) diff(t testing.TB) string {
	want := snapshot(t, m.dir)
	m.mu.Lock()
	defer m.mu.Unlock()
	return cmp.Diff(want, m.files)
}

// operations change a tree at random. They may fail.
var operations = []func(r *rand.Rand, a, b string){
	func(r *rand.Rand, a, _ string) { _ = os.WriteFile(a, make([]byte, r.IntN(100)), 0o644) },
	func(_ *rand.Rand, a, _ string) { _ = os.Mkdir(a, 0o755) },
	func(_ *rand.Rand, a, b string) { _ = os.MkdirAll(a+"/"+filepath.Base(b), 0o755) },
	func(_ *rand.Rand, a, b string) { _ = os.Rename(a, b) },
	func(_ *rand.Rand, a, b string) { _ = os.Rename(a, b+"~"); _ = os.Rename(b+"~", a) },
	func(_ *rand.Rand, a, b string) { _ = os.RemoveAll(b); _ = os.Rename(a, b) },
	func(_ *rand.Rand, a, _ string) { _ = os.RemoveAll(a) },
	func(_ *rand.Rand, a, _ string) { _ = os.Remove(a) },
	func(_ *rand.Rand, a, b string) { _ = os.Symlink(b, a) },
	func(_ *rand.Rand, a, _ string) { _ = os.Chmod(a, 0o755) },
	func(_ *rand.Rand, a, _ string) { _ = os.Truncate(a, 7) },
	func(_ *rand.Rand, a, b string) {
		_ = os.WriteFile(a+"~", []byte(b), 0o644)
		_ = os.Rename(a+"~", a)
	},
}

// A reader of the reports knows the state of the tree after random changes.
func TestStress(t *testing.T) {
	const rounds, steps = 40, 150
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	p := newPlace(t)
	p.mkdir("top")
	p.mkdir("outside")
	names := strings.Fields("a b c d")
	random := func() string {
		path := p.path("top")
		if r.IntN(8) == 0 {
			path = p.path("outside")
		}
		for range 1 + r.IntN(4) {
			path += "/" + names[r.IntN(len(names))]
		}
		return path
	}
	m := &mirror{dir: p.path("top"), files: map[string]string{}}
	s := p.start(model.Watch{Paths: []string{p.path("top")}}, m.take)
	for round := range rounds {
		for range steps {
			operations[r.IntN(len(operations))](r, random(), random())
		}
		if round%10 == 9 {
			p.remove("top")
			p.mkdir("top")
		}
		s.sync()
		s.sync()
		if diff := m.diff(t); diff != "" {
			t.Fatalf("round %d: the reports don't tell everything (-there is +known):\n%s", round, diff)
		}
	}
}
