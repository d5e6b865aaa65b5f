// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package extension

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"tilt.dev/session/pkg/tiltfile/builtins"
)

// Store has the repositories that are on this machine, and fetches others. It may be used by several goroutines, and
// at the same time as the stores of other processes.
type Store struct {
	Settings
	git git
	// log gets a line before something takes long.
	log func(string)
}

// NewStore returns the store of a user's environment.
func NewStore(runner builtins.Runner, environ []string, log func(string)) (*Store, error) {
	settings, err := NewSettings(environ)
	if err != nil {
		return nil, err
	}
	return &Store{settings, newGit(runner, environ), log}, nil
}

// Vendored returns the directory of the repository beside a main Tiltfile that has the extension with a path in the
// repository, or none: "".
func Vendored(beside string, r Repository, path string) string {
	dirs := []string{filepath.Join(beside, modules, r.location)}
	if r.URL == DefaultURL {
		dirs = append(dirs, filepath.Join(beside, modules))
	}
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, path, "Tiltfile")); err == nil {
			return dir
		}
	}
	return ""
}

// Directory returns the directory of a repository, which it fetches if it isn't there. It ends when ctx is done.
func (s *Store) Directory(ctx context.Context, r Repository) (string, error) {
	dir := filepath.Join(s.Root, r.directory())
	switch err := s.check(ctx, dir, r); {
	case err == nil:
		return dir, nil
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case errors.Is(err, errMoved):
		return "", err
	case s.Offline:
		if !isMissing(dir) {
			return "", fmt.Errorf("the extension repository %s can't be used: %w", r, err)
		}
		return "", fmt.Errorf("the extension repository %s is not on this machine, and %s=offline: "+
			"run \"tilt-session extensions update %s\" where there is a network, or copy a clone to %s "+
			"or to %s beside the Tiltfile", r, ModeVariable, r, dir, filepath.Join(modules, r.location))
	}
	unlock, err := s.lock(ctx, dir, r)
	if err != nil {
		return "", err
	}
	defer unlock()
	// Another process may have fetched it meanwhile.
	if err := s.check(ctx, dir, r); err == nil {
		return dir, nil
	}
	return dir, s.fetch(ctx, dir, r, true)
}

func isMissing(dir string) bool {
	_, err := os.Lstat(dir)
	return errors.Is(err, fs.ErrNotExist)
}

// check returns nil if a directory is a complete clone of a repository.
func (s *Store) check(ctx context.Context, dir string, r Repository) error {
	if _, err := os.Stat(filepath.Join(dir, ".git")); err != nil {
		return err
	}
	_, err := s.git.verify(ctx, dir, r)
	return err
}

// lockRetry is the pause between two attempts. The system's own blocking lock can't be canceled.
const lockRetry = 50 * time.Millisecond

// hidden is the path of a file or directory beside that of a repository, for what belongs to it.
func hidden(dir, suffix string) string {
	return filepath.Join(filepath.Dir(dir), "."+filepath.Base(dir)+suffix)
}

// lock makes this process the only one that changes the directory of a repository, until it calls unlock. The file
// stays: removing it would let two processes hold locks of different files.
func (s *Store) lock(ctx context.Context, dir string, r Repository) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, fmt.Errorf("create the directory for extension repository %s: %w", r, err)
	}
	lock := flock.New(hidden(dir, ".lock"))
	locked, err := lock.TryLock()
	if err == nil && !locked {
		s.log(fmt.Sprintf("Waiting for another process that fetches extension repository %s", r))
		_, err = lock.TryLockContext(ctx, lockRetry)
	}
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, fmt.Errorf("lock the extension repository %s: %w", r, err)
	}
	// The system unlocks at the latest when the process ends.
	return func() { _ = lock.Close() }, nil
}

// fetch replaces the directory of a repository, whose lock this process holds, by a new clone. With local it may come
// from a clone of another ref.
func (s *Store) fetch(ctx context.Context, dir string, r Repository, local bool) error {
	if _, err := os.Lstat(filepath.Join(dir, ".git")); err != nil && !isMissing(dir) {
		return fmt.Errorf("%s is not a clone of the extension repository %s; remove it: %w", dir, r, err)
	}
	// Of processes that were killed.
	left, _ := filepath.Glob(hidden(dir, ".*.tmp")) // Only a bad pattern is an error.
	for _, path := range left {
		_ = os.RemoveAll(path) // The next process tries again.
	}
	temporary, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(hidden(dir, ".*.tmp")))
	if err != nil {
		return fmt.Errorf("fetch the extension repository %s: %w", r, err)
	}
	defer func() { _ = os.RemoveAll(temporary) }() // What stays is removed before the next fetch.
	clone := filepath.Join(temporary, "clone")
	if !local || !s.copy(ctx, clone, r) {
		err = s.download(ctx, clone, r)
	}
	if err == nil {
		_, err = s.git.verify(ctx, clone, r)
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, errNoRef):
		return fmt.Errorf("fetch the extension repository %s: %w", r, err)
	case err != nil:
		return s.explain(err, dir, r)
	}
	if !isMissing(dir) {
		if err := os.Rename(dir, filepath.Join(temporary, "old")); err != nil {
			return fmt.Errorf("replace the extension repository %s: %w", r, err)
		}
	}
	if err := os.Rename(clone, dir); err != nil {
		return fmt.Errorf("fetch the extension repository %s: %w", r, err)
	}
	return nil
}

// download makes a clone from the network.
func (s *Store) download(ctx context.Context, dir string, r Repository) error {
	s.log(fmt.Sprintf("Fetching extension repository %s", r))
	if r.Ref == "" {
		return s.git.clone(ctx, dir, s.source(r), r)
	}
	return s.git.checkOut(ctx, dir, s.source(r), r)
}

// copy makes a clone from the one of the default branch, and returns whether that has the ref.
func (s *Store) copy(ctx context.Context, dir string, r Repository) bool {
	unpinned := r
	unpinned.Ref = ""
	from := filepath.Join(s.Root, unpinned.directory())
	if r.Ref == "" || s.check(ctx, from, unpinned) != nil {
		return false
	}
	at, err := s.git.resolve(ctx, from, r.Ref)
	if err != nil {
		return false
	}
	r.Ref = at
	if err := s.git.checkOut(ctx, dir, from, r); err != nil {
		_ = os.RemoveAll(dir) // It is in the way of the download, which fails then.
		return false
	}
	return true
}

// explain says what to do about a failed fetch.
func (s *Store) explain(err error, dir string, r Repository) error {
	mirror := fmt.Sprintf("set %s to the URL of a server that has it as %s", MirrorVariable, r.location)
	if s.Mirror != "" {
		mirror = fmt.Sprintf("check %s, which must lead to it as %s", MirrorVariable, redacted(s.source(r)))
	}
	return fmt.Errorf("fetch the extension repository %s: %w\nConnect to the network and try again, or %s, "+
		"or copy a clone to %s or to %s beside the Tiltfile", r, err, mirror, dir, filepath.Join(modules, r.location))
}
