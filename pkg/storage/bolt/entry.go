// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"tilt.dev/session/pkg/storage/mvcc"
)

const (
	kindValue    = 1
	kindDeletion = 2
)

var checksums = crc32.MakeTable(crc32.Castagnoli)

// seal writes the checksum to the first bytes of a value, which are reserved for
// it.
func seal(key, value []byte) []byte {
	binary.BigEndian.PutUint32(value, checksum(key, value[4:]))
	return value
}

func checksum(key, content []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, checksums), checksums, content)
}

// unseal verifies the checksum of a value with a minimum length, and returns the
// rest of it.
func unseal(key, value []byte, length int) ([]byte, error) {
	if len(value) < 4+length {
		return nil, damaged("the value has %d bytes instead of %d", len(value), 4+length)
	}
	if binary.BigEndian.Uint32(value) != checksum(key, value[4:]) {
		return nil, damaged("the checksum is wrong")
	}
	return value[4:], nil
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

const entryHeader = 1 + 4*8

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
	key = versionKey(e.kv.Key, e.kv.ModRevision)
	value = make([]byte, 4, 4+entryHeader+len(e.kv.Value))
	kind := byte(kindValue)
	if e.deleted {
		kind = kindDeletion
	}
	value = append(value, kind)
	made := int64(0) // the time is unknown
	if !e.at.IsZero() {
		made = e.at.UnixNano()
	}
	for _, number := range []int64{e.kv.CreateRevision, e.kv.Version, e.kv.Lease, made} {
		value = binary.BigEndian.AppendUint64(value, uint64(number))
	}
	return key, seal(key, append(value, e.kv.Value...))
}

// decodeEntry copies its arguments.
func decodeEntry(key, value []byte) (entry, error) {
	if len(key) <= 8 {
		return entry{}, damaged("the key is missing")
	}
	content, err := unseal(key, value, entryHeader)
	if err != nil {
		return entry{}, err
	}
	kind, numbers, stored := content[0], content[1:entryHeader], content[entryHeader:]
	number := func(i int) int64 { return int64(binary.BigEndian.Uint64(numbers[8*i:])) }
	e := entry{deleted: kind == kindDeletion, at: time.Unix(0, number(3)), kv: &mvccpb.KeyValue{
		Key: bytes.Clone(key[8:]), ModRevision: int64(binary.BigEndian.Uint64(key)),
		CreateRevision: number(0), Version: number(1), Lease: number(2),
	}}
	switch {
	case kind == kindValue:
		e.kv.Value = bytes.Clone(stored)
	case kind != kindDeletion || len(stored) > 0:
		return entry{}, damaged("the kind is unknown")
	}
	return e, nil
}

// head describes all entries.
type head struct {
	revision, compacted, entries int64
}

func (h head) encode(key []byte) []byte {
	value := make([]byte, 4, 4+3*8)
	for _, number := range []int64{h.revision, h.compacted, h.entries} {
		value = binary.BigEndian.AppendUint64(value, uint64(number))
	}
	return seal(key, value)
}

func decodeHead(key, value []byte) (head, error) {
	content, err := unseal(key, value, 3*8)
	if err != nil {
		return head{}, err
	}
	number := func(i int) int64 { return int64(binary.BigEndian.Uint64(content[8*i:])) }
	return head{number(0), number(1), number(2)}, nil
}

func leaseKey(id clientv3.LeaseID) []byte { return binary.BigEndian.AppendUint64(nil, uint64(id)) }

func encodeLease(lease mvcc.Lease) (key, value []byte) {
	key, value = leaseKey(lease.ID), make([]byte, 4, 4+2*8)
	value = binary.BigEndian.AppendUint64(value, uint64(lease.TTL))
	value = binary.BigEndian.AppendUint64(value, uint64(lease.Deadline.UnixNano()))
	return key, seal(key, value)
}

func decodeLease(key, value []byte) (mvcc.Lease, error) {
	content, err := unseal(key, value, 2*8)
	if err != nil {
		return mvcc.Lease{}, err
	}
	if len(key) != 8 {
		return mvcc.Lease{}, damaged("the ID is missing")
	}
	return mvcc.Lease{
		ID:       clientv3.LeaseID(binary.BigEndian.Uint64(key)),
		TTL:      time.Duration(binary.BigEndian.Uint64(content)),
		Deadline: time.Unix(0, int64(binary.BigEndian.Uint64(content[8:]))),
	}, nil
}
