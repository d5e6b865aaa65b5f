// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"tilt.dev/session/pkg/storage/mvcc"
)

// Report describes a file.
type Report struct {
	// Revision is the revision of the store, Compacted the oldest one that can
	// be read.
	Revision, Compacted int64
	// Versions counts the versions of keys, Keys those that are current.
	Versions, Keys int64
	// Size is the size of the file in bytes, Free the part of it in free pages.
	Size, Free int64
	Problems   []Problem
}

// Problem is one inconsistency of a file.
type Problem struct {
	// Key and Revision identify the version concerned; Key is "" if there is
	// none.
	Key      string
	Revision int64
	Err      error
}

// String returns the version and the error.
func (p Problem) String() string {
	if p.Key == "" {
		return p.Err.Error()
	}
	return fmt.Sprintf("%s in revision %d: %v", p.Key, p.Revision, p.Err)
}

// Check reads all entries in the file of a directory and reports the problems. It
// passes each value to valid, which must not retain it. The error is of what
// prevents the check, not a problem of the file.
//
// Check doesn't run bbolt's own check of pages, which ends the process on some
// damages. "bbolt check" does.
func Check(ctx context.Context, dir string, valid func(key string, value []byte) error, progress Progress) (Report, error) {
	c := &check{valid: valid, current: map[string]struct{}{}}
	err := withExisting(dir, func(path string) error {
		err := c.file(ctx, path, progress)
		if errors.Is(err, ErrDamaged) {
			c.found("", 0, err)
		} else if err != nil {
			return unreadable(path, err)
		}
		return nil
	})
	return c.report, err
}

// check is a check in progress.
type check struct {
	valid   func(key string, value []byte) error
	report  Report
	loaded  loading
	current map[string]struct{} // keys
}

func (c *check) found(key string, rev int64, err error) {
	c.report.Problems = append(c.report.Problems, Problem{key, rev, err})
}

func (c *check) file(ctx context.Context, path string, progress Progress) (err error) {
	if c.report.Size, err = sizeOfFile(path); err != nil {
		return err
	}
	err = readFile(path, bbolt.Options{}, func(tx *bbolt.Tx) error { return c.content(ctx, tx, progress) })
	if err != nil {
		return err
	}
	return readFile(path, bbolt.Options{PreLoadFreelist: true}, c.countFree)
}

// countFree adds up the free pages.
func (c *check) countFree(tx *bbolt.Tx) error {
	for id := int64(0); ; id++ {
		page, err := tx.Page(int(id))
		if page == nil || err != nil {
			return err
		}
		if page.Type == "free" {
			c.report.Free += int64(tx.DB().Info().PageSize)
		}
	}
}

func (c *check) content(ctx context.Context, tx *bbolt.Tx, progress Progress) error {
	h, err := readHead(tx)
	if err != nil {
		return err
	}
	c.report.Revision, c.report.Compacted = h.revision, h.compacted
	c.loaded.snapshot = mvcc.Snapshot{Revision: h.revision, Compacted: h.compacted}
	err = walk(ctx, tx, h.entries, progress, func(key []byte, e entry, err error) error {
		c.entry(key, e, err)
		return nil
	})
	if err != nil {
		return err
	}
	c.report.Keys = int64(len(c.current))
	if c.report.Versions != h.entries {
		c.found("", 0, damaged("it has %d entries instead of %d", c.report.Versions, h.entries))
	}
	err = c.loaded.addLeases(tx, func(err error) error {
		c.found("", 0, err)
		return nil
	})
	if err != nil || len(c.report.Problems) > 0 {
		return err
	}
	c.succession()
	return nil
}

// entry checks one version by itself.
func (c *check) entry(key []byte, e entry, err error) {
	c.report.Versions++
	name, rev := nameOf(key)
	switch {
	case err != nil:
		c.found(name, rev, err)
		return
	case e.deleted:
		delete(c.current, name)
	default:
		c.current[name] = struct{}{}
		if err := c.valid(name, e.kv.Value); err != nil {
			c.found(name, rev, err)
		}
	}
	e.kv.Value = nil
	if rev > c.report.Revision {
		c.found(name, rev, damaged("the store is at revision %d", c.report.Revision))
	}
	if err := c.loaded.add(e); err != nil {
		c.found(name, rev, err)
	}
}

// succession checks that the versions of each key follow one another.
func (c *check) succession() {
	store, err := mvcc.New(mvcc.Options{Restore: &c.loaded.snapshot})
	if err != nil {
		c.found("", 0, damaged("%w", err))
		return
	}
	store.Close()
}
