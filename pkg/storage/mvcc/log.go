// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Log makes a store outlive its process.
type Log interface {
	// Commit returns when all of the changes are durable, or with an error
	// when none of them is. Those of the next call are then again based on
	// what was durable before. Without changes it tells whether there could be
	// some. It is called by one goroutine at a time, in the order of
	// revisions. What it is given is shared, and must not be changed.
	Commit(Changes) error
}

// Changes is what one commit adds to a log.
type Changes struct {
	// Revision is the store's after the changes.
	Revision int64
	// Made are the revisions that are new, in order; there may be none.
	Made []Revision
	// Granted are new leases.
	Granted []Lease
	// Ended are leases that are no more; their keys are among the events.
	Ended []clientv3.LeaseID
	// Compacted is the oldest revision that can still be read after the
	// changes, 0 before the first compaction.
	Compacted int64
	// Forgotten are the versions that can't be read any more.
	Forgotten []Version
}

func (c *Changes) empty() bool {
	return len(c.Made) == 0 && len(c.Granted) == 0 && len(c.Ended) == 0
}

// Revision is what one revision changed.
type Revision struct {
	At     time.Time
	Events []*clientv3.Event
}

// Version names what a revision made of a key: a value, or its deletion.
type Version struct {
	Key      []byte
	Revision int64
}

// Snapshot is what a Log holds: the sum of the changes committed to it. The
// store keeps what is in it.
type Snapshot struct {
	Revision, Compacted int64
	// KeyValues are the versions that were current at Compacted, each key
	// once, in any order. There are none if that is 0.
	KeyValues []*mvccpb.KeyValue
	// History is what the revisions after Compacted changed, up to Revision.
	// Its events have no previous values yet.
	History []Revision
	Leases  []Lease
}

// Lease is a time to live that keys share.
type Lease struct {
	ID clientv3.LeaseID
	// TTL is what was granted, Deadline when the lease and its keys end.
	TTL      time.Duration
	Deadline time.Time
}
