// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"go.etcd.io/bbolt"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
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
		return head{}, fmt.Errorf(
			"it has format %d, and this program reads format %d; use the version that wrote it, or a later one",
			binary.BigEndian.Uint32(written),
			format,
		)
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

const (
	kindValue    = 1
	kindDeletion = 2

	checksumSize = 4
)

var checksums = crc32.MakeTable(crc32.Castagnoli)

// seal returns a value: the checksum, a header of numbers, and the rest.
func seal(key []byte, header any, rest []byte) []byte {
	value := make([]byte, checksumSize, checksumSize+binary.Size(header)+len(rest))
	value, err := binary.Append(value, binary.BigEndian, header)
	if err != nil {
		panic(err) // the header has another type than numbers
	}
	value = append(value, rest...)
	binary.BigEndian.PutUint32(value, checksum(key, value[checksumSize:]))
	return value
}

func checksum(key, content []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, checksums), checksums, content)
}

// unseal verifies the checksum of a value, reads its header, and returns the rest.
func unseal(key, value []byte, header any) (rest []byte, err error) {
	if want := checksumSize + binary.Size(header); len(value) < want {
		return nil, damaged("the value has %d bytes instead of %d", len(value), want)
	}
	if binary.BigEndian.Uint32(value) != checksum(key, value[checksumSize:]) {
		return nil, damaged("the checksum is wrong")
	}
	n, err := binary.Decode(value[checksumSize:], binary.BigEndian, header)
	return value[checksumSize+n:], err
}

// versionKey is the key of the entry of a version.
func versionKey(key []byte, rev int64) []byte {
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(key)), uint64(rev)), key...)
}

// entry is the content of an entry in the bucket of versions.
type entry struct {
	kv      *mvccpb.KeyValue
	deleted bool
	at      time.Time
}

// entryHeader precedes the value in an entry.
type entryHeader struct {
	Kind             byte
	Created, Version int64
	Reserved         int64
	At               int64 // 0 if unknown
}

func newEntry(event *clientv3.Event, at time.Time) entry {
	return entry{event.Kv, event.Type == clientv3.EventTypeDelete, at}
}

func (e entry) event() *clientv3.Event {
	event := &clientv3.Event{Type: clientv3.EventTypePut, Kv: e.kv}
	if e.deleted {
		event.Type = clientv3.EventTypeDelete
	}
	return event
}

func (e entry) encode() (key, value []byte) {
	header := entryHeader{Kind: kindValue, Created: e.kv.CreateRevision, Version: e.kv.Version}
	if e.deleted {
		header.Kind = kindDeletion
	}
	if !e.at.IsZero() {
		header.At = e.at.UnixNano()
	}
	key = versionKey(e.kv.Key, e.kv.ModRevision)
	return key, seal(key, header, e.kv.Value)
}

// decodeEntry copies its arguments.
func decodeEntry(key, value []byte) (entry, error) {
	if len(key) <= 8 {
		return entry{}, damaged("the key is missing")
	}
	var header entryHeader
	stored, err := unseal(key, value, &header)
	if err != nil {
		return entry{}, err
	}
	e := entry{deleted: header.Kind == kindDeletion, at: time.Unix(0, header.At), kv: &mvccpb.KeyValue{
		Key: bytes.Clone(key[8:]), ModRevision: int64(binary.BigEndian.Uint64(key)),
		CreateRevision: header.Created, Version: header.Version,
	}}
	switch {
	case header.Kind == kindValue:
		e.kv.Value = bytes.Clone(stored)
	case header.Kind != kindDeletion || len(stored) > 0:
		return entry{}, damaged("the kind is unknown")
	}
	return e, nil
}

// head describes all entries.
type head struct {
	Revision, Compacted, Entries int64
}
