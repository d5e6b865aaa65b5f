// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package mvcc is a key-value store inside the process. Its clients use it as an etcd cluster, through
// go.etcd.io/etcd/client/v3. It runs below k8s.io/apiserver/pkg/storage/etcd3, so that an API server without etcd
// has the same storage code as one with it.
//
// # Consistency
//
// The store has one revision. It starts at 1. Each transaction that changes something advances it by one, however
// many keys it changes. Reads and writes are linearizable: a write is acknowledged after it is published, and a
// read sees every write that was acknowledged before the read began. A read sees exactly one revision. It neither
// waits for a writer nor delays one.
//
// A read at an old revision returns what a read returned then. A future revision
// gives rpctypes.ErrFutureRev, a compacted one rpctypes.ErrCompacted.
//
// A watch gets every change of its range once, in the order of revisions, and all changes of one revision in one
// response. It holds only a position in the history, so that a watch without a reader costs nothing and delays
// nothing. When compaction drops that position, the watch ends with rpctypes.ErrCompacted.
//
// # History
//
// The history is bounded by count, size and age (see Options); the store compacts what exceeds a bound. Compaction
// is etcd's: Compact(rev) drops what was before rev, keeps rev readable, and isn't a revision itself. The compactor
// of an API server records it in a transaction of its own, which is one. A watch can start after the compacted
// revision, and at it if that revision replaced nothing.
//
// # Durability
//
// Without a Log the contents end with the process. With one, a change or a compaction becomes visible, and is
// acknowledged, only after the Log has committed it. Changes made at the same time are committed together. A store
// that is restored continues with the revision and the history of its predecessor.
//
// A failed commit stops all writing, because its outcome is unknown. Its changes get ErrUncertain, and further
// changes ErrReadOnly; readers and watches continue with the state before it. The store reopens the Log every
// second. Once that succeeds, the Log is the truth:
//
//   - if the Log holds the commit, the store publishes it, and readers and
//     watches see its changes as any other;
//   - if not, the store commits empty revisions in its place. No revision is
//     ever used twice, not even one whose commit failed and left no trace.
//
// Then writing continues.
//
// # What a client can do
//
// KV is complete except for these requests, whose errors wrap errors.ErrUnsupported: sorting other than by
// ascending key, bounds on create and modify revisions, leases, IgnoreValue and IgnoreLease, transactions within a
// transaction, comparisons other than whether the version or the modify revision of one key equals a number, and reads
// at an old revision within a transaction. Serializable reads are linearizable. The responses within the response of a
// transaction have no header.
//
// Watcher is complete except for options that the interface hides from its implementation: previous values are
// always sent, filters and the created notification have no effect, and progress is sent on request, not
// periodically. As with etcd, RequestProgress reaches the watches whose context has the same outgoing metadata.
//
// The client must not be used for other services (Lease, Cluster, Auth, Maintenance), nor
// for its connections (Sync, SetEndpoints, Dial).
//
// # Ownership
//
// The store copies what it is given. It shares what it returns with other readers; callers must not modify it.
//
// # Non-goals
//
// Leases, replication, authentication, access from other processes, quotas and alarms, and data that does not fit into
// memory.
package mvcc
