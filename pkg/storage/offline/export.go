// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apimachinery/pkg/runtime"

	"tilt.dev/session/pkg/storage/bolt"
	"tilt.dev/session/pkg/storage/mvcc"
)

// Export writes all objects and returns their number. After an error the output is incomplete.
func Export(ctx context.Context, options Options, to io.Writer) (objects int64, err error) {
	options, err = options.complete()
	if err != nil {
		return 0, err
	}
	held, err := bolt.Read(ctx, options.Dir)
	if err != nil {
		return 0, err
	}
	kvs, err := options.current(ctx, held)
	if err != nil {
		return 0, fmt.Errorf("storage: exporting: %w", err)
	}
	buffered := bufio.NewWriter(to)
	for _, kv := range kvs {
		line, err := options.line(kv)
		if err == nil {
			_, err = buffered.Write(line)
		}
		if err := errors.Join(ctx.Err(), err); err != nil {
			return objects, fmt.Errorf("storage: exporting %s: %w", kv.Key, err)
		}
		objects++
	}
	if err := buffered.Flush(); err != nil {
		return objects, fmt.Errorf("storage: exporting: %w", err)
	}
	return objects, nil
}

// current returns the latest versions of objects, in the order of keys.
func (o Options) current(ctx context.Context, held *mvcc.Snapshot) ([]*mvccpb.KeyValue, error) {
	store, err := mvcc.New(mvcc.Options{Restore: held})
	if err != nil {
		return nil, err
	}
	defer store.Close()
	response, err := store.Client(ctx).KV.Get(ctx, o.Prefix+"/", clientv3.WithPrefix())
	if err != nil {
		return nil, err
	}
	return response.Kvs, nil
}

// line returns an object in the export format.
func (o Options) line(kv *mvccpb.KeyValue) ([]byte, error) {
	object, named, err := o.decodeNamed(string(kv.Key), kv.Value)
	if err != nil {
		return nil, err
	}
	named.SetResourceVersion(strconv.FormatInt(kv.ModRevision, 10))
	line, err := runtime.Encode(o.Codec, object) // ends with a line break
	if err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	return line, nil
}
