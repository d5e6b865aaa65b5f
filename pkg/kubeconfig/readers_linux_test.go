// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestReaders(t *testing.T) {
	location := Location{Files: []string{filepath.Join(t.TempDir(), "config")}}
	file := location.File()
	entry := Entry{Port: 10350, Server: "https://127.0.0.1:10350", Token: "token"}
	other := Entry{Port: 10351, Server: "https://127.0.0.1:10351", Token: "token"}
	readers, err := location.Readers()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := readers.Close(); err != nil {
			t.Error(err)
		}
	}()
	see := func(want bool, when string) {
		t.Helper()
		if readers.Seen(0) != want {
			t.Errorf("Seen() = %v %s", !want, when)
		}
	}
	read := func() {
		t.Helper()
		if _, err := os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}

	see(false, "before anything has happened")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	read()
	see(false, "after somebody read the file without the entry")
	if err := location.Add(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
	see(false, "after the entry was written")
	if err := location.Add(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if err := location.Remove(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	see(false, "after other entries came and went")
	read()
	see(true, "after somebody read the entry")
	see(true, "later")
}

// TestFirstReaderOfNewFile is about a file of which the one who writes it has
// nothing to read.
func TestFirstReaderOfNewFile(t *testing.T) {
	location := Location{Files: []string{filepath.Join(t.TempDir(), "config")}}
	readers, err := location.Readers()
	if err != nil {
		t.Fatal(err)
	}
	defer readers.Close()
	if err := location.Add(t.Context(), Entry{Port: 1, Server: "https://127.0.0.1:1", Token: "token"}); err != nil {
		t.Fatal(err)
	}
	if readers.Seen(0) {
		t.Error("a reader was seen after the entry was written")
	}
	if _, err := os.ReadFile(location.File()); err != nil {
		t.Fatal(err)
	}
	if !readers.Seen(0) {
		t.Error("no reader was seen after the file was read")
	}
}

func TestReadersOfLinkedFile(t *testing.T) {
	dir := t.TempDir()
	link, file := filepath.Join(dir, "config"), filepath.Join(t.TempDir(), "real")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	location := Location{Files: []string{link}}
	readers, err := location.Readers()
	if err != nil {
		t.Fatal(err)
	}
	defer readers.Close()
	if err := location.Add(t.Context(), Entry{Port: 1, Server: "https://127.0.0.1:1", Token: "token"}); err != nil {
		t.Fatal(err)
	}
	if readers.Seen(0) {
		t.Error("a reader was seen after the entry was written")
	}
	if _, err := os.ReadFile(link); err != nil {
		t.Fatal(err)
	}
	if !readers.Seen(0) {
		t.Error("no reader was seen after the link was read")
	}
}

func TestReadersWithoutDirectory(t *testing.T) {
	location := Location{Files: []string{filepath.Join(t.TempDir(), "missing", "config")}}
	readers, err := location.Readers()
	if err != nil || readers.Seen(0) || readers.Close() != nil {
		t.Errorf("no directory: error %v, seen %v", err, readers.Seen(0))
	}
}

func TestReadersAreAwaited(t *testing.T) {
	location := Location{Files: []string{filepath.Join(t.TempDir(), "config")}}
	readers, err := location.Readers()
	if err != nil {
		t.Fatal(err)
	}
	defer readers.Close()
	if err := location.Add(t.Context(), Entry{Port: 1, Server: "https://127.0.0.1:1", Token: "token"}); err != nil {
		t.Fatal(err)
	}
	if readers.Seen(time.Millisecond) {
		t.Fatal("a reader was seen before there was one")
	}
	seen := make(chan bool)
	go func() { seen <- readers.Seen(time.Minute) }()
	if _, err := os.ReadFile(location.File()); err != nil {
		t.Fatal(err)
	}
	if !<-seen {
		t.Error("the reader wasn't seen")
	}
}
