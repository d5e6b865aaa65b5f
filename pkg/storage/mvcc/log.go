// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Log makes a store outlive its process. A store calls it from one goroutine at a time.
type Log interface {
	// Commit returns when all changes are durable. After an error the Log holds either all of them or none; the
	// store then calls Reopen before it commits again. Commits come in the order of revisions. The changes are
	// shared, and must not be modified.
	Commit(Changes) error
	// Reopen makes the Log usable after a failed Commit, and reports whether the Log holds the changes of that
	// Commit. If so, they are durable when Reopen returns. After an error the store calls Reopen again.
	Reopen() (held bool, err error)
}

// Changes is what one commit adds to a log.
type Changes struct {
	// Revision is the revision of the store after the changes.
	Revision int64
	// Made lists the new revisions up to Revision, in order; it may be empty.
	Made []Revision
	// Compacted is the oldest revision that can be read after the changes, 0 before the first compaction.
	Compacted int64
	// Forgotten lists the versions that cannot be read after the changes.
	Forgotten []Version
}

// Revision is what one revision changed. A revision whose commit failed has no events.
type Revision struct {
	At     time.Time
	Events []*clientv3.Event
}

// Version identifies what a revision made of a key: a value, or its deletion.
type Version struct {
	Key      []byte
	Revision int64
}

// Snapshot is what a Log holds: the sum of the changes committed to it. The store takes ownership of it.
type Snapshot struct {
	Revision, Compacted int64
	// KeyValues are the versions that were current at Compacted, each key
	// once, in any order. It is empty if Compacted is 0.
	KeyValues []*mvccpb.KeyValue
	// History lists the revisions after Compacted that have events, in order.
	// The events have no previous values yet.
	History []Revision
}
