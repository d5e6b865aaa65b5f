// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// CheckFile returns an error if a report can't be written to a file, as far as that is known before. It makes the
// directory of the file.
func CheckFile(path string) error {
	file, err := openBeside(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), file.remove())
}

// WriteFile replaces a file by a content at once: readers see the old one or the whole new one. It makes the directory.
// What isn't a regular file, such as a device, is written to.
func WriteFile(path string, content []byte) error {
	file, err := openBeside(path)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil && file.target != "" {
		err = os.Rename(file.Name(), file.target)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, errors.Join(err, file.remove()))
	}
	return nil
}

// destination is an open file whose content is to replace that of target, which is empty for one that is written to as
// it is.
type destination struct {
	*os.File
	target string
}

// openBeside opens a temporary file in the directory of a path.
func openBeside(path string) (*destination, error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("%s is a directory", path)
	case err == nil && !info.Mode().IsRegular():
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		return &destination{File: file}, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, err
	}
	name := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%d", filepath.Base(path), os.Getpid()))
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	return &destination{file, path}, err
}

// remove removes a temporary file.
func (d *destination) remove() error {
	if d.target == "" {
		return nil
	}
	return os.Remove(d.Name())
}
