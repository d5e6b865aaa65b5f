// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package mvcc is a key-value store inside the process that is reached as an
// etcd cluster is: through go.etcd.io/etcd/client/v3. It exists to stand below
// k8s.io/apiserver/pkg/storage/etcd3, so that an API server without an etcd
// runs the same storage code as one with it.
//
// # Consistency
//
// There is one revision for the whole store. It starts at 1, and each
// transaction that changes something advances it by exactly one, however many
// keys it changes. Reads and writes are linearizable: a write is acknowledged
// after it was published, and a read sees everything that was acknowledged
// before it began. A read sees one revision, never a mixture, and neither
// waits for a writer nor holds one up.
//
// A read at an old revision sees exactly what a read saw then. A revision that
// is yet to come answers rpctypes.ErrFutureRev, one that was forgotten
// rpctypes.ErrCompacted.
//
// A watch gets every change of its range, each once, in the order of
// revisions, and the changes of one revision in one response. It holds only a
// position in the history. One that isn't read therefore costs nothing and
// delays nobody; when the history has moved past its position it ends with
// rpctypes.ErrCompacted instead of leaving a gap.
//
// # History
//
// The history is bounded by count, by size and by age (see Options); what
// exceeds a bound is compacted. Compaction is etcd's: Compact(rev) forgets what
// was before rev, keeps rev readable, and isn't a revision itself. An API
// server's compactor records it in a transaction of its own, which is one. A
// watch can start after the compacted revision, and at it when that replaced
// nothing.
//
// # Leases
//
// A lease ends at its time to live, and takes with it, in one revision, the
// keys whose current version was written under it. There is no renewal.
//
// # Durability
//
// Without a Log everything ends with the process. With one, a change is made
// visible and acknowledged only after the Log has committed it, and so is a
// compaction. Changes made at the same time are committed together. When the
// Log fails, they are all refused with its error, and the store is as it was
// before; reading isn't concerned. The Log is used again for the next change,
// and tried every second until it works, or as long as there is none.
//
// A store that is restored goes on with the revision, the history and the
// leases of the one before it.
//
// # What a client can do
//
// KV is complete but for these, which answer an error that wraps
// errors.ErrUnsupported: sorting other than by ascending key, bounds on create
// and modify revisions, IgnoreValue and IgnoreLease, transactions within a
// transaction, comparisons of a range, and reads at an old revision within a
// transaction. Serializable reads are linearizable.
//
// Watcher is complete but for options that a client's interface doesn't show
// to its implementation: previous values are always sent, filters and the
// created notification have no effect, and progress is told when it was
// requested, not periodically. As with etcd, RequestProgress reaches the
// watches whose context carries the same outgoing metadata.
//
// Of Lease there is Grant. The rest of it, Cluster, Auth and Maintenance answer
// an error that wraps errors.ErrUnsupported. What a client does to its
// connections (Sync, SetEndpoints, Dial) has no meaning here.
//
// # Ownership
//
// What a store is given is copied. What it hands out is shared with other
// readers and must not be changed.
//
// # Non-goals
//
// Replication, authentication, access from another process, quotas and alarms,
// and data that doesn't fit into memory.
package mvcc
