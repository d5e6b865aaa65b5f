// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"

	"go.etcd.io/bbolt"

	"tilt.dev/session/pkg/storage/mvcc"
)

// Report is what is to be said about a file.
type Report struct {
	// Revision is the store's, Compacted the oldest one that can be read.
	Revision, Compacted int64
	// Versions is how many versions of keys it has, Keys how many of them are
	// current.
	Versions, Keys int64
	// Size is the file's in bytes, of which Free hold nothing.
	Size, Free int64
	// Problems are what is wrong with it.
	Problems []Problem
}

// Problem is something that is wrong with a file.
type Problem struct {
	// Key and Revision name the version that it is about; Key is "" where it
	// isn't about one.
	Key      string
	Revision int64
	Err      error
}

// String tells where the problem is, and what it is.
func (p Problem) String() string {
	if p.Key == "" {
		return p.Err.Error()
	}
	return fmt.Sprintf("%s in revision %d: %v", p.Key, p.Revision, p.Err)
}

// Check reads everything in the file of a directory and reports what is wrong
// with it. Each value is also shown to valid, which must not keep it. The
// error is for what keeps it from looking.
func Check(ctx context.Context, dir string, valid func(key string, value []byte) error, progress Progress) (Report, error) {
	c := &checking{valid: valid, current: map[string]struct{}{}}
	err := withExisting(dir, func(path string) error {
		size, err := sizeOfFile(path)
		if err != nil {
			return err
		}
		c.report.Size = size
		sound, err := c.pages(ctx, path, progress)
		if sound && err == nil {
			err = c.file(ctx, path, progress)
		}
		if errors.Is(err, ErrDamaged) {
			c.found("", 0, err)
		} else if err != nil {
			return unreadable(path, err)
		}
		return nil
	})
	return c.report, err
}

// checking is a check as far as it got.
type checking struct {
	valid    func(key string, value []byte) error
	report   Report
	loaded   loading
	previous int64               // revision
	current  map[string]struct{} // keys
}

func (c *checking) found(key string, rev int64, err error) {
	c.report.Problems = append(c.report.Problems, Problem{key, rev, err})
}

// pages checks the file as bbolt sees it, and tells whether bbolt can read it.
// If it can't, what is left is looked at without.
func (c *checking) pages(ctx context.Context, path string, progress Progress) (sound bool, err error) {
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	free, unclaimed, err := checkTree(file, func(err error) { c.found("", 0, err) })
	c.report.Free = free
	if err != nil {
		c.found("", 0, err)
	}
	sound = len(c.report.Problems) == 0
	if unclaimed > 0 {
		c.found("", 0, damaged("%d pages are neither used nor free", unclaimed))
	}
	if sound {
		return true, nil
	}
	return false, c.remains(ctx, file, progress)
}

// remains tells what is left in a file that bbolt can't read.
func (c *checking) remains(ctx context.Context, file *os.File, progress Progress) error {
	r := newRescue()
	if err := r.read(ctx, file, progress); err != nil {
		return err
	}
	rescued := r.result()
	c.report.Problems = append(c.report.Problems, rescued.Problems...)
	c.report.Versions, c.report.Keys = int64(len(r.known)), int64(len(rescued.KeyValues))
	if h := r.salvage.head; h != nil {
		c.report.Revision, c.report.Compacted = h.revision, h.compacted
	}
	for _, kv := range rescued.KeyValues {
		if err := c.valid(string(kv.Key), kv.Value); err != nil {
			c.found(string(kv.Key), kv.ModRevision, err)
		}
	}
	return nil
}

func (c *checking) file(ctx context.Context, path string, progress Progress) error {
	db, _, err := openFile(path, true)
	if err != nil {
		return err
	}
	err = view(db, func(tx *bbolt.Tx) error { return c.content(ctx, tx, progress) })
	return errors.Join(err, db.Close())
}

func (c *checking) content(ctx context.Context, tx *bbolt.Tx, progress Progress) error {
	h, err := readHead(tx)
	if err != nil {
		return err
	}
	c.report.Revision, c.report.Compacted = h.revision, h.compacted
	c.loaded.snapshot = mvcc.Snapshot{Revision: h.revision, Compacted: h.compacted}
	c.previous = max(h.compacted, 1)
	err = walk(ctx, tx, h.entries, progress, func(key []byte, e entry, err error) error {
		c.entry(key, e, err)
		return nil
	})
	if err != nil {
		return err
	}
	c.report.Keys = int64(len(c.current))
	if c.report.Versions != h.entries {
		c.found("", 0, damaged("it has %d entries, and should have %d", c.report.Versions, h.entries))
	}
	if c.previous != h.revision {
		c.found("", 0, damaged("the history ends with revision %d, the store is at %d", c.previous, h.revision))
	}
	if err := c.leases(tx); err != nil || len(c.report.Problems) > 0 {
		return err
	}
	c.succession()
	return nil
}

// entry checks one version by itself, and that no revision before it is
// missing.
func (c *checking) entry(key []byte, e entry, err error) {
	c.report.Versions++
	if err != nil {
		name, rev := nameOf(key)
		c.found(name, rev, err)
		return
	}
	name, rev := string(e.kv.Key), e.kv.ModRevision
	if e.deleted {
		delete(c.current, name)
	} else {
		c.current[name] = struct{}{}
		if err := c.valid(name, e.kv.Value); err != nil {
			c.found(name, rev, err)
		}
	}
	e.kv.Value = nil
	switch {
	case rev > c.report.Compacted && rev > c.previous+1:
		c.found(name, rev, damaged("the revisions from %d to %d before it are missing", c.previous+1, rev-1))
	case rev > c.report.Revision:
		c.found(name, rev, damaged("the store is at revision %d", c.report.Revision))
	}
	c.previous = max(c.previous, rev)
	if err := c.loaded.add(e); err != nil {
		c.found(name, rev, err)
	}
}

func (c *checking) leases(tx *bbolt.Tx) error {
	return tx.Bucket(leasesBucket).ForEach(func(key, value []byte) error {
		lease, err := decodeLease(key, value)
		if err != nil {
			c.found("", 0, fmt.Errorf("lease %x: %w", key, err))
			return nil
		}
		c.loaded.snapshot.Leases = append(c.loaded.snapshot.Leases, lease)
		return nil
	})
}

// succession checks that the versions of each key follow on one another.
func (c *checking) succession() {
	store, err := mvcc.New(mvcc.Options{Restore: &c.loaded.snapshot})
	if err != nil {
		c.found("", 0, damaged("%w", err))
		return
	}
	store.Close()
}
