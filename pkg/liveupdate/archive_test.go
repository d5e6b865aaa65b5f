// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package liveupdate

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The archive is read back by the library, by tar and by BusyBox.
func TestArchive(t *testing.T) {
	long := strings.Repeat("directory-with-a-long-name/", 8) + strings.Repeat("ä", 60)
	root := tree(t, "plain", "script", "link -> a target with "+strings.Repeat("many ", 40)+"words", "empty/", long)
	when := time.Date(2001, 2, 3, 4, 5, 6, 987654321, time.UTC)
	for name, mode := range map[string]os.FileMode{"plain": 0o604, "script": 0o751, "empty": 0o700} {
		if err := errors.Join(os.Chmod(filepath.Join(root, name), mode), os.Chtimes(filepath.Join(root, name), when, when)); err != nil {
			t.Fatal(err)
		}
	}
	var copies []mapping
	for _, name := range []string{"plain", "script", "link", "empty", long, "gone"} {
		copies = append(copies, mapping{filepath.Join(root, name), "/app/" + name})
	}
	var out bytes.Buffer
	vanished, err := archive(&out, copies)
	if err != nil || len(vanished) != 1 || vanished[0] != copies[5] {
		t.Fatalf("vanished: %v, %v", vanished, err)
	}
	for r := tar.NewReader(bytes.NewReader(out.Bytes())); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Gname != "" || h.Format != tar.FormatGNU || !strings.HasPrefix(h.Name, "app/") {
			t.Errorf("header %+v", h)
		}
	}
	for name, command := range map[string][]string{"tar": {"tar"}, "busybox": {"busybox", "tar"}} {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(command[0]); err != nil {
				t.Skipf("%s isn't installed", command[0])
			}
			to := t.TempDir()
			unpack := exec.Command(command[0], append(command[1:], "-C", to, "-x", "-p", "-f", "-")...)
			unpack.Stdin = bytes.NewReader(out.Bytes())
			if output, err := unpack.CombinedOutput(); err != nil || len(output) > 0 {
				t.Fatalf("%v: %s", err, output)
			}
			for _, c := range copies[:5] {
				compare(t, c.local, to+c.remote)
			}
			if info, err := os.Stat(filepath.Join(to, "app/script")); err != nil || !info.ModTime().Equal(when.Truncate(time.Second)) {
				t.Errorf("the time is %v, %v", info.ModTime(), err)
			}
		})
	}
}

// compare compares a file with its copy.
func compare(t *testing.T, original, copied string) {
	t.Helper()
	want, err := os.Lstat(original)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.Lstat(copied)
	if err != nil || got.Mode() != want.Mode() {
		t.Errorf("%s is %v, want %v; %v", copied, got, want.Mode(), err)
		return
	}
	read := func(path string) string {
		var content []byte
		var err error
		switch {
		case want.Mode().IsRegular():
			content, err = os.ReadFile(path)
		case want.Mode()&fs.ModeSymlink != 0:
			var target string
			target, err = os.Readlink(path)
			content = []byte(target)
		}
		if err != nil {
			t.Error(err)
		}
		return string(content)
	}
	if read(original) != read(copied) {
		t.Errorf("%s has another content", copied)
	}
}

// changing changes a file at the first write of the archive: its header is written.
type changing struct {
	bytes.Buffer
	change func()
}

func (c *changing) Write(p []byte) (int, error) {
	if c.change != nil {
		c.change()
		c.change = nil
	}
	return c.Buffer.Write(p)
}

// A file that changes its size while it is read leaves the archive whole.
func TestArchiveOfChangingFile(t *testing.T) {
	const size = 1 << 20
	for name, to := range map[string]int64{"shrinks": 1 << 18, "grows": 1 << 22, "vanishes": -1} {
		t.Run(name, func(t *testing.T) {
			root := tree(t, "file", "next")
			file := filepath.Join(root, "file")
			if err := os.WriteFile(file, bytes.Repeat([]byte("x"), size), 0o644); err != nil {
				t.Fatal(err)
			}
			out := &changing{change: func() {
				var err error
				if to < 0 {
					err = os.Remove(file)
				} else {
					err = os.Truncate(file, to)
				}
				if err != nil {
					t.Error(err)
				}
			}}
			if _, err := archive(out, []mapping{{file, "/file"}, {filepath.Join(root, "next"), "/next"}}); err != nil {
				t.Fatal(err)
			}
			r := tar.NewReader(&out.Buffer)
			h, err := r.Next()
			if err != nil || h.Size != size {
				t.Fatalf("%+v, %v", h, err)
			}
			content, err := io.ReadAll(r)
			if err != nil || len(content) != size || content[0] != 'x' {
				t.Errorf("%d bytes, %v", len(content), err)
			}
			if h, err := r.Next(); err != nil || h.Name != "next" {
				t.Errorf("%+v, %v", h, err)
			}
		})
	}
}

// Any name and content comes back as it was.
func FuzzArchive(f *testing.F) {
	f.Add("a", "content", uint16(0o644))
	f.Add("d/ä b\n", "", uint16(0o755))
	f.Add(strings.Repeat("long/", 60)+"x", "y", uint16(0))
	f.Fuzz(func(t *testing.T, name, content string, mode uint16) {
		remote := filepath.Join("/", name)
		if remote == "/" || len(name) > 2000 || strings.ContainsRune(name, 0) {
			t.Skip()
		}
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, os.FileMode(mode)&0o777|0o400); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if _, err := archive(&out, []mapping{{file, remote}}); err != nil {
			t.Fatal(err)
		}
		r := tar.NewReader(&out)
		h, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || "/"+h.Name != remote || string(got) != content || os.FileMode(h.Mode) != os.FileMode(mode)&0o777|0o400 {
			t.Errorf("got %+v with %q, %v", h, got, err)
		}
	})
}
