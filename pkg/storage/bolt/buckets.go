// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

const (
	magic  = "tilt.dev/session storage"
	format = 1
)

// The names of the buckets, and the keys of the first one.
var (
	metaBucket     = []byte("meta")
	versionsBucket = []byte("versions")
	reservedBucket = []byte("leases")

	magicKey  = []byte("magic")
	formatKey = []byte("format")
	headKey   = []byte("head")
)

// initialize makes the buckets of a new file.
func initialize(tx *bbolt.Tx) error {
	for _, name := range [][]byte{metaBucket, versionsBucket, reservedBucket} {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	meta := tx.Bucket(metaBucket)
	if err := meta.Put(magicKey, []byte(magic)); err != nil {
		return err
	}
	return meta.Put(formatKey, binary.BigEndian.AppendUint32(nil, format))
}

// readHead checks that a file has this format, and returns its head.
func readHead(tx *bbolt.Tx) (head, error) {
	meta := tx.Bucket(metaBucket)
	if meta == nil || string(meta.Get(magicKey)) != magic {
		return head{}, errors.New("it is a bbolt file of another program; choose another directory")
	}
	switch written := meta.Get(formatKey); {
	case len(written) != 4:
		return head{}, damaged("the format is missing")
	case binary.BigEndian.Uint32(written) != format:
		return head{}, fmt.Errorf("it has format %d, and this program reads format %d; use the version that wrote it, or a later one",
			binary.BigEndian.Uint32(written), format)
	}
	if tx.Bucket(versionsBucket) == nil {
		return head{}, damaged("bucket %q is missing", versionsBucket)
	}
	var h head
	if _, err := unseal(headKey, meta.Get(headKey), &h); err != nil {
		return head{}, fmt.Errorf("head: %w", err)
	}
	return h, nil
}

func writeHead(tx *bbolt.Tx, h head) error {
	return tx.Bucket(metaBucket).Put(headKey, seal(headKey, h, nil))
}
