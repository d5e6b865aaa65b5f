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
	current := options.current(held)
	buffered := bufio.NewWriter(to)
	for _, key := range slices.Sorted(maps.Keys(current)) {
		if err := ctx.Err(); err != nil {
			return objects, err
		}
		if err := options.exportOne(current[key], buffered); err != nil {
			return objects, fmt.Errorf("storage: exporting %s: %w", key, err)
		}
		objects++
		if options.Progress != nil {
			options.Progress(objects, int64(len(current)))
		}
	}
	if err := buffered.Flush(); err != nil {
		return objects, fmt.Errorf("storage: exporting: %w", err)
	}
	return objects, nil
}

// current are the latest versions of objects by key.
func (o Options) current(held *mvcc.Snapshot) map[string]*mvccpb.KeyValue {
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
	maps.DeleteFunc(current, func(key string, _ *mvccpb.KeyValue) bool { return !o.isObject(key) })
	return current
}

func (o Options) exportOne(kv *mvccpb.KeyValue, to io.Writer) error {
	object, named, err := o.decode(kv.Value)
	if err != nil {
		return err
	}
	named.SetResourceVersion(strconv.FormatInt(kv.ModRevision, 10))
	line, err := runtime.Encode(o.Codec, object)
	if err != nil {
		return fmt.Errorf("encoding: %w", err)
	}
	_, err = to.Write(line) // which ends with a line break
	return err
}
