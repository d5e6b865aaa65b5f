// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// edit changes the file that holds the entry called name, or File if none
// does, under the lock. Nothing is written when change fails or changes
// nothing. See Replace for warn.
func (l Location) edit(ctx context.Context, name string, warn func(error), change func(*document) error) (err error) {
	unlock, err := l.lock(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()

	file, doc, err := l.open(name)
	if err != nil {
		return err
	}
	if err := change(doc); err != nil {
		return fmt.Errorf("update %s: %w", file, err)
	}
	if len(doc.touched) == 0 {
		return nil
	}
	data, err := doc.bytes()
	if err != nil {
		return fmt.Errorf("update %s: %w", file, err)
	}
	if _, err := replaceLocked(file, data, warn); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}

// open reads the first file that holds a part of the entry called name, or
// File.
func (l Location) open(name string) (string, *document, error) {
	target := l.File()
	var found *document
	for _, file := range l.Files {
		doc, err := read(file)
		if err != nil {
			return "", nil, err
		}
		if doc.has(name) {
			return file, doc, nil
		}
		if file == target {
			found = doc
		}
	}
	return target, found, nil
}

// read parses a file. A missing one is empty.
func read(file string) (*document, error) {
	info, err := os.Stat(file)
	if err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read %s: it isn't a regular file", file)
	}
	data, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	doc, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return doc, nil
}
