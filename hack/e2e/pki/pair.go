// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
)

// Pair is a certificate and its key, in PEM.
type Pair struct {
	t         testing.TB
	Cert, Key []byte
}

// Files are the paths of a certificate and its key.
type Files struct {
	Cert, Key string
}

// Write has two files in a directory, name.crt and name.key, hold the pair. Each
// that's there is replaced at once; between the two there's a moment in which they
// don't belong together, as there is for whoever rotates certificates this way.
func (p Pair) Write(directory, name string) Files {
	p.t.Helper()
	return Files{
		Cert: replace(p.t, directory, name+".crt", p.Cert),
		Key:  replace(p.t, directory, name+".key", p.Key),
	}
}

func replace(t testing.TB, directory, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(directory, name)
	next := path + ".next"
	if err := os.WriteFile(next, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
