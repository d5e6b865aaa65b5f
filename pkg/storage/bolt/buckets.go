// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import (
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"
)

const (
	magic  = "tilt.dev/session storage"
	format = 1
)

// Names of buckets, and of the keys of the first one.
var (
	metaBucket     = []byte("meta")
	versionsBucket = []byte("versions")
	leasesBucket   = []byte("leases")

	magicKey  = []byte("magic")
	formatKey = []byte("format")
	headKey   = []byte("head")
	roomKey   = []byte("room")
)

// initialize makes the buckets of a new file.
func initialize(tx *bbolt.Tx) error {
	for _, name := range [][]byte{metaBucket, versionsBucket, leasesBucket} {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	said := tx.Bucket(metaBucket)
	if err := said.Put(magicKey, []byte(magic)); err != nil {
		return err
	}
	return said.Put(formatKey, binary.BigEndian.AppendUint32(nil, format))
}

// readHead checks that a file has this format, and returns its head.
func readHead(tx *bbolt.Tx) (head, error) {
	said := tx.Bucket(metaBucket)
	if said == nil || string(said.Get(magicKey)) != magic {
		return head{}, fmt.Errorf("it is a bbolt file, but not one of tilt-session; choose another directory")
	}
	switch written := said.Get(formatKey); {
	case len(written) != 4:
		return head{}, damaged("its format isn't told")
	case binary.BigEndian.Uint32(written) != format:
		return head{}, fmt.Errorf("it has format %d, and this program reads format %d; use the program that wrote it, or a later one",
			binary.BigEndian.Uint32(written), format)
	}
	for _, name := range [][]byte{versionsBucket, leasesBucket} {
		if tx.Bucket(name) == nil {
			return head{}, damaged("it has no bucket %q", name)
		}
	}
	h, err := decodeHead(headKey, said.Get(headKey))
	if err != nil {
		return head{}, fmt.Errorf("its head: %w", err)
	}
	return h, nil
}

func writeHead(tx *bbolt.Tx, h head) error {
	return tx.Bucket(metaBucket).Put(headKey, h.encode(headKey))
}
