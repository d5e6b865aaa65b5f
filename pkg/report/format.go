// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"os"
	"path/filepath"
)

// Format is a form of a Report that is a file.
type Format struct {
	// Flag is the name of the command's flag for the file, and Usage its help.
	Flag, Usage string
	// Encode returns the content of the file. It is pure.
	Encode func(*Report) ([]byte, error)
}

// Formats are all that there are.
func Formats() []Format {
	return []Format{
		{"report-junit", "write a JUnit XML report to this file at the end, whatever the end is", JUnit},
		{"report-json", "write a JSON report to this file at the end, - for stdout with --quiet", JSON},
	}
}

// CheckFile returns an error if a report can't be written to a file, as far as that is known before. It makes the
// directory of the file.
func CheckFile(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a directory", path)
	}
	file, err := create(path)
	if err != nil {
		return err
	}
	return discard(file)
}

// WriteFile replaces a file by a content at once: readers see the old one or the whole new one. It makes the directory.
func WriteFile(path string, content []byte) error {
	file, err := create(path)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Chmod(0o644)
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// create creates a temporary file beside a path.
func create(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("make the directory of %s: %w", path, err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", path, err)
	}
	return file, nil
}

func discard(file *os.File) error {
	err := file.Close()
	if removed := os.Remove(file.Name()); err == nil {
		err = removed
	}
	return err
}
