// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apimachinery/pkg/runtime"

	"tilt.dev/session/pkg/storage/bolt"
	"tilt.dev/session/pkg/storage/mvcc"
)

// Export writes all objects and returns how many they are. What was written
// before an error is of no use.
func Export(ctx context.Context, options Options, to io.Writer) (objects int64, err error) {
	options, err = options.complete()
	if err != nil {
		return 0, err
	}
	held, err := bolt.Read(ctx, options.Dir, nil)
	if err != nil {
		return 0, err
	}
	return options.write(ctx, options.current(held), to, func(_ *mvccpb.KeyValue, err error) error { return err })
}

// Rescue writes all objects of a directory that may be damaged which can be
// read, and returns how many they are, and what is lost or uncertain. The error
// is for what keeps it from reading any, or from writing.
func Rescue(ctx context.Context, options Options, to io.Writer) (objects int64, lost []bolt.Problem, err error) {
	options, err = options.complete()
	if err != nil {
		return 0, nil, err
	}
	rescued, err := bolt.Rescue(ctx, options.Dir, nil)
	if err != nil {
		return 0, nil, err
	}
	lost = rescued.Problems
	kvs := slices.DeleteFunc(rescued.KeyValues, func(kv *mvccpb.KeyValue) bool { return !options.isObject(string(kv.Key)) })
	objects, err = options.write(ctx, kvs, to, func(kv *mvccpb.KeyValue, err error) error {
		lost = append(lost, bolt.Problem{Key: string(kv.Key), Revision: kv.ModRevision, Err: err})
		return nil
	})
	return objects, lost, err
}

// write writes objects. Of one that isn't one it asks whether to go on.
func (o Options) write(ctx context.Context, kvs []*mvccpb.KeyValue, to io.Writer, unreadable func(*mvccpb.KeyValue, error) error) (objects int64, err error) {
	buffered := bufio.NewWriter(to)
	for i, kv := range kvs {
		if err := ctx.Err(); err != nil {
			return objects, err
		}
		line, err := o.line(kv)
		if err == nil {
			_, err = buffered.Write(line)
			objects++
		} else {
			err = unreadable(kv, err)
		}
		if err != nil {
			return objects, fmt.Errorf("storage: exporting %s: %w", kv.Key, err)
		}
		if o.Progress != nil {
			o.Progress(int64(i+1), int64(len(kvs)))
		}
	}
	if err := buffered.Flush(); err != nil {
		return objects, fmt.Errorf("storage: exporting: %w", err)
	}
	return objects, nil
}

// current are the latest versions of objects, in the order of keys.
func (o Options) current(held *mvcc.Snapshot) []*mvccpb.KeyValue {
	current := map[string]*mvccpb.KeyValue{}
	for _, kv := range held.KeyValues {
		current[string(kv.Key)] = kv
	}
	for _, made := range held.History {
		for _, event := range made.Events {
			if event.Type == clientv3.EventTypeDelete {
				delete(current, string(event.Kv.Key))
			} else {
				current[string(event.Kv.Key)] = event.Kv
			}
		}
	}
	var kvs []*mvccpb.KeyValue
	for _, key := range slices.Sorted(maps.Keys(current)) {
		if o.isObject(key) {
			kvs = append(kvs, current[key])
		}
	}
	return kvs
}

// line is an object as it is exported.
func (o Options) line(kv *mvccpb.KeyValue) ([]byte, error) {
	object, named, err := o.decodeNamed(string(kv.Key), kv.Value)
	if err != nil {
		return nil, err
	}
	named.SetResourceVersion(strconv.FormatInt(kv.ModRevision, 10))
	line, err := runtime.Encode(o.Codec, object) // which ends with a line break
	if err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	return line, nil
}
