// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package bolt keeps the contents of an mvcc.Store in a file of go.etcd.io/bbolt.
//
// # Files
//
// A data directory has these files, which one process uses at a time:
//
//	lock          is locked by that process, and names it
//	storage.db    the store, in bbolt's format
//	.storage.db*  a store while it is being written; worthless afterwards
//
// storage.db is created and rewritten by a rename, so it is always complete.
//
// # Format
//
// This is format 1. A file of another format is rejected. All numbers have 64 bits and are big-endian, except
// checksums and the format, which have 32. Times are nanoseconds since 1970. A checksum is the CRC-32C of the
// entry's key and of the part of its value that follows the checksum.
//
// Bucket "meta" identifies the file:
//
//	"magic"   "tilt.dev/session storage"
//	"format"  the number of the format
//	"head"    checksum, revision, compacted revision, number of entries in
//	          "versions"
//
// Bucket "versions" has an entry for each version of a key that can be read: the versions that were current at the
// compacted revision, and all later ones. So a revision is appended to the bucket, a value is written once, and
// entries are loaded in the order of revisions. A revision without entries changed nothing; its commit failed.
//
//	key    revision, key
//	value  checksum, kind (a byte: 1 is a value, 2 a deletion), create revision,
//	       version, 0, time, value
//
// The changes of a revision have no order. Each has a different key.
//
// Bucket "leases" is reserved and empty.
//
// # Durability
//
// A commit is one bbolt transaction: bbolt syncs its pages before it writes the meta page that makes them valid,
// and syncs that page before the commit is acknowledged. A process that is killed at any moment leaves a file with
// all acknowledged commits, and with all or nothing of the one in progress.
//
// A commit that fails leaves its outcome unknown: the meta page may be on disk, or in the kernel's cache only. Log
// then writes nothing until it has opened the file again, and the file is the truth. If the file has the failed
// commit, Log writes the contents to a new file, syncs it and renames it to storage.db, because a page whose sync
// failed may be lost although the kernel returns it. This package never writes into the pages of a bbolt file
// itself.
//
// After a commit that ran out of space, Log first writes as much as the commit needed to a file beside storage.db, and
// removes it. Until that succeeds the file stays closed, so that changes are rejected instead of failing one by one.
//
// # Size
//
// Entries are deleted when their revision is compacted; later commits use their pages. The file does not shrink by
// itself. Compact rewrites it without free pages.
//
// # Damage
//
// A file is opened only if bbolt can read all of its entries, each with the right checksum, in order, and as many
// as the head says. Otherwise the error wraps ErrDamaged. "bbolt check" also verifies what only concerns bbolt,
// such as its list of free pages.
//
// # Non-goals
//
// Repair of damaged files: restore a backup, or use "bbolt surgery" on a copy. Detection of every structural damage
// of bbolt's pages when opening. Protection of a process that starts after another one ended between a failed sync
// and the rewriting: it trusts what the kernel returns. Several readers at once, and encryption.
package bolt
