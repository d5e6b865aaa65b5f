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
	// Commit returns when all of the changes are durable, or with an error,
	// after which it isn't called again. It is called by one goroutine at a
	// time, in the order of revisions. What it is given is shared, and must
	// not be changed.
	Commit(Changes) error
}

// Changes is what one commit adds to a log.
type Changes struct {
	// Revision is the store's after the changes.
	Revision int64
	// Events are in the order of revisions; there may be none.
	Events []*clientv3.Event
	// Granted are new leases.
	Granted []Lease
	// Ended are leases that are no more; their keys are among the events.
	Ended []clientv3.LeaseID
}

func (c *Changes) empty() bool {
	return len(c.Events) == 0 && len(c.Granted) == 0 && len(c.Ended) == 0
}

// Snapshot is what a Log holds: the sum of the changes committed to it. The
// history before it is forgotten. The store keeps what is in it.
type Snapshot struct {
	Revision int64
	// KeyValues are the current versions, each key once, in any order.
	KeyValues []*mvccpb.KeyValue
	Leases    []Lease
}

// Lease is a time to live that keys share.
type Lease struct {
	ID clientv3.LeaseID
	// TTL is what was granted, Deadline when the lease and its keys end.
	TTL      time.Duration
	Deadline time.Time
}
