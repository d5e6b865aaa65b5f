// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import (
	"context"
	"errors"

	"go.etcd.io/bbolt"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"tilt.dev/session/pkg/storage/mvcc"
)

// Report describes a file.
type Report struct {
	// Revision is the revision of the store, Compacted the oldest one that can be read.
	Revision, Compacted int64
	// Versions counts the versions of keys, Keys those that are current.
	Versions, Keys int64
	// Size is the size of the file in bytes, Free the part of it in free pages.
	Size, Free int64
	Problems   []Problem
}

// Check reads all entries in the file of a directory and reports the problems. It passes each value to valid, which
// must not retain it. The error is of what prevents the check, not a problem of the file.
//
// Check doesn't run bbolt's own check of pages, which ends the process on some damages. "bbolt check" does.
func Check(ctx context.Context, dir string, valid func(key string, value []byte) error) (Report, error) {
	var report Report
	err := withExisting(dir, func(path string) (err error) {
		if report.Size, err = sizeOfFile(path); err != nil {
			return err
		}
		err = report.read(ctx, path, valid)
		var problem Problem
		switch {
		case errors.As(err, &problem):
			report.add(problem)
		case errors.Is(err, ErrDamaged):
			report.add(Problem{Err: err})
		case err != nil:
			return unreadable(path, err)
		}
		return nil
	})
	return report, err
}

func (r *Report) add(problem Problem) { r.Problems = append(r.Problems, problem) }

func (r *Report) read(ctx context.Context, path string, valid func(string, []byte) error) error {
	var snapshot *mvcc.Snapshot
	err := readFile(path, bbolt.Options{}, func(tx *bbolt.Tx) (err error) {
		snapshot, err = load(ctx, tx, func(problem Problem) error { r.add(problem); return nil })
		return err
	})
	if err != nil {
		return err
	}
	r.Revision, r.Compacted = snapshot.Revision, snapshot.Compacted
	r.count(snapshot, valid)
	if len(r.Problems) == 0 {
		store, err := mvcc.New(mvcc.Options{Restore: snapshot})
		if err != nil {
			return damaged("%w", err)
		}
		store.Close()
	}
	return readFile(path, bbolt.Options{PreLoadFreelist: true}, func(tx *bbolt.Tx) error {
		r.Free = int64(tx.DB().Stats().FreePageN) * int64(tx.DB().Info().PageSize)
		return nil
	})
}

// count counts and validates versions.
func (r *Report) count(snapshot *mvcc.Snapshot, valid func(string, []byte) error) {
	current := map[string]struct{}{}
	put := func(kv *mvccpb.KeyValue) {
		r.Versions++
		current[string(kv.Key)] = struct{}{}
		if err := valid(string(kv.Key), kv.Value); err != nil {
			r.add(Problem{string(kv.Key), kv.ModRevision, err})
		}
	}
	for _, kv := range snapshot.KeyValues {
		put(kv)
	}
	for _, made := range snapshot.History {
		for _, event := range made.Events {
			if event.Type == clientv3.EventTypeDelete {
				r.Versions++
				delete(current, string(event.Kv.Key))
			} else {
				put(event.Kv)
			}
		}
	}
	r.Keys = int64(len(current))
}
