// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package bolt keeps what an mvcc.Store holds in a file of go.etcd.io/bbolt.
//
// # Files
//
// A data directory has these files, which belong to one process at a time:
//
//	lock            is locked by that process, and says which one it is
//	storage.db      the store, in bbolt's format
//	storage.db.new  the store while it is made or rewritten; worthless
//
// storage.db comes into being by a rename, so it is whole whenever it is there.
//
// # Format
//
// This is format 1. A file of another one is refused. All numbers are of 64
// bits and big-endian, but for checksums and the format, which have 32. Times
// are nanoseconds since 1970. A checksum is the CRC-32C of the entry's key and
// of what follows the checksum in its value.
//
// Bucket "meta" says what the file is:
//
//	"magic"   "tilt.dev/session storage"
//	"format"  the number of the format
//	"head"    checksum, revision, compacted revision, number of entries in
//	          "versions"
//	"room"    zeroes, sometimes: space that was missing, for the next commit
//
// Bucket "versions" has an entry for each version of a key that can be read:
// those that were current at the compacted revision, and all that came later.
// So a revision is added at the end of the bucket, a value is written once, and
// the whole is loaded in the order in which it came about.
//
//	key    revision, key
//	value  checksum, kind (a byte: 1 is a value, 2 a deletion), revision of the
//	       creation, version, lease, time, value as it was stored
//
// The order of changes within a revision isn't kept. Each of them is of
// another key.
//
// Bucket "leases" has those that haven't ended:
//
//	key    ID
//	value  checksum, time to live in nanoseconds, deadline
//
// # Durability
//
// A commit is one bbolt transaction: its pages are on disk before the page that
// makes them valid is written, and that one is on disk before the commit is
// acknowledged. Killed at any moment, the process leaves a file with all of the
// acknowledged commits, and of the last unacknowledged one all or nothing.
//
// A commit that fails is undone: if the page that makes it valid may have
// reached the disk, it is invalidated there before anything else is written.
// So what a client was refused doesn't come back while the process lives, and
// after a failed fsync nothing is taken for written that may not be. Until the
// undoing succeeds every commit fails.
//
// # Size
//
// Entries are deleted when their revision is forgotten, and their pages used
// again. The file doesn't shrink by itself; Compact rewrites it, and leaves no
// room at its end, of which bbolt otherwise keeps up to as much as is used.
//
// # Damage
//
// A file is opened only if its pages are a tree that bbolt can follow to an
// end, and all its entries are whole. Rescue reads one that isn't, without
// bbolt: it goes by the checksums of entries, and takes the highest revision of
// each key that it finds. What it finds was written; it says what it misses, and
// where it isn't certain that what it found is the last. It looks beyond the
// tree only for what the head says is missing, and not in pages that are free
// as long as it can be known which ones are.
//
// # Non-goals
//
// Reading from several processes at once, and encryption.
package bolt
