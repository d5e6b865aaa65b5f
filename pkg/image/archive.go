// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// archive writes a build context for the classic builder, which knows one ignore file in the context only: the files
// of a directory that aren't ignored, and the Dockerfile under a name of its own. An empty directory has no files.
func archive(to io.Writer, directory, dockerfile string, ignored ignores) error {
	w := tar.NewWriter(to)
	// The builder takes what this ignore file names out of the context once it has read it.
	files := []struct{ name, text string }{
		{classicDockerfile, dockerfile},
		{".dockerignore", classicDockerfile + "\n.dockerignore\n"},
	}
	for _, f := range files {
		header := &tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.text)), Typeflag: tar.TypeReg}
		if err := w.WriteHeader(header); err != nil {
			return err
		}
		if _, err := io.WriteString(w, f.text); err != nil {
			return err
		}
	}
	if directory != "" {
		err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
			if err == nil {
				err = archiveFile(w, directory, path, entry, ignored)
			}
			if errors.Is(err, fs.ErrNotExist) && path != directory {
				return nil // It was removed meanwhile.
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("read build context: %w", err)
		}
	}
	return w.Close()
}

// classicDockerfile is the name of the Dockerfile in an archive.
const classicDockerfile = ".tilt-session.Dockerfile"

// archiveFile adds a file, unless it's ignored.
func archiveFile(w *tar.Writer, root, path string, entry fs.DirEntry, ignored ignores) error {
	name, err := filepath.Rel(root, path)
	if err != nil || name == "." || name == ".dockerignore" {
		return err
	}
	switch skip, err := ignored.ignored(name); {
	case err != nil:
		return err
	case skip && entry.IsDir() && !ignored.excepts(name):
		return fs.SkipDir
	case skip:
		return nil
	}
	info, err := entry.Info()
	if err != nil || info.Mode()&fs.ModeSocket != 0 {
		return err
	}
	link := ""
	if info.Mode()&fs.ModeSymlink != 0 {
		if link, err = os.Readlink(path); err != nil {
			return err
		}
	}
	header, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return err
	}
	header.Name = filepath.ToSlash(name)
	if info.IsDir() {
		header.Name += "/"
	}
	header.Uid, header.Gid, header.Uname, header.Gname = 0, 0, "", ""
	if err := w.WriteHeader(header); err != nil || !info.Mode().IsRegular() {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	// A file that changes its size meanwhile is an error of the archive.
	_, err = io.Copy(w, f)
	return err
}

// excepts reports whether all sources that ignore a directory may have exceptions below it.
func (list ignores) excepts(dir string) bool {
	for _, s := range list {
		if matched, err := s.matcher.MatchesOrParentMatches(dir); err == nil && matched && !s.excepts(dir) {
			return false
		}
	}
	return true
}
