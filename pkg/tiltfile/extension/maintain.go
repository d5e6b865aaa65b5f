// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package extension

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Clone is a repository on this machine.
type Clone struct {
	Repository
	// Directory is its absolute path.
	Directory string
	// Commit is the full name of the commit, and Date its day, such as 2026-07-26.
	Commit, Date string
}

// List returns the clones in the order of their paths, and what is wrong with those that it leaves out.
func (s *Store) List(ctx context.Context) (clones []Clone, problems []error, err error) {
	err = filepath.WalkDir(s.Root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case path == s.Root && os.IsNotExist(err):
			return fs.SkipAll
		case err != nil:
			return err
		case !entry.IsDir():
			return nil
		case strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		}
		if isMissing(filepath.Join(path, ".git")) {
			return nil
		}
		clone, err := s.describe(ctx, path)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			problems = append(problems, err)
		default:
			clones = append(clones, clone)
		}
		return fs.SkipDir
	})
	return clones, problems, err
}

// describe returns what a clone says of itself.
func (s *Store) describe(ctx context.Context, dir string) (Clone, error) {
	relative, err := filepath.Rel(s.Root, dir)
	if err != nil {
		return Clone{}, err
	}
	// A clone without a remote is one of a person. Its place says what it stands for.
	origin, _ := s.git.in(ctx, dir, "config", "--get", "remote.origin.url")
	clone := Clone{Directory: dir}
	if clone.Repository, err = fromDirectory(relative, origin); err != nil {
		if clone.Repository, err = fromDirectory(relative, ""); err != nil {
			return Clone{}, err
		}
	}
	if clone.Commit, err = s.git.verify(ctx, dir, clone.Repository); err != nil {
		return Clone{}, err
	}
	clone.Date, err = s.git.in(ctx, dir, "log", "-1", "--format=%cs")
	return clone, err
}

// Update fetches a repository, also one that isn't there yet, and returns its commits before, empty for none, and
// after. It refuses one with changes.
func (s *Store) Update(ctx context.Context, r Repository) (before, after string, err error) {
	if s.Offline {
		return "", "", fmt.Errorf("update the extension repository %s: %s=offline forbids the network", r, ModeVariable)
	}
	dir := filepath.Join(s.Root, r.directory())
	unlock, err := s.lock(ctx, dir, r)
	if err != nil {
		return "", "", err
	}
	defer unlock()
	if s.check(ctx, dir, r) == nil {
		if before, err = s.git.verify(ctx, dir, r); err != nil {
			return "", "", err
		}
		changed, err := s.git.in(ctx, dir, "status", "--porcelain", "--untracked-files=no")
		switch _, pinned := r.isCommit(); {
		case err != nil:
			return "", "", err
		case changed != "":
			return "", "", fmt.Errorf("update the extension repository %s: %s has changes that are not committed: "+
				"undo them, or remove the directory", r, dir)
		case pinned:
			return before, before, nil
		}
	}
	if err := s.fetch(ctx, dir, r, false); err != nil {
		return "", "", err
	}
	after, err = s.git.verify(ctx, dir, r)
	return before, after, err
}
