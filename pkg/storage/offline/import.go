// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"strconv"
	"strings"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"k8s.io/apimachinery/pkg/api/validate/content"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/uuid"

	"tilt.dev/session/pkg/storage"
	"tilt.dev/session/pkg/storage/bolt"
	"tilt.dev/session/pkg/storage/mvcc"
)

// revisionGap is what an import leaves between the versions of its objects and
// those that the storage goes on with. More has happened to where they come from
// than they tell, such as deletions; clients that know of it must not take what
// happens here for that. It's what etcd's documentation bumps revisions by when it
// restores a snapshot.
const revisionGap = 1_000_000_000

// Import fills an empty directory, or one that isn't there, with the objects of
// a resource, and returns how many they are. It takes effect whole or not at
// all. Objects keep their resource version; one that has none gets one. The
// storage goes on with versions far behind those, and watches from any before
// are expired. Nothing but the encoding is validated.
func Import(ctx context.Context, options Options, resource schema.GroupResource, from io.Reader) (objects int64, err error) {
	options, err = options.complete()
	if err != nil {
		return 0, err
	}
	importing := &importing{
		options: options,
		prefix:  options.Prefix + storage.ResourcePrefix(resource),
		seen:    map[string]bool{},
		last:    1,
	}
	decoder := json.NewDecoder(from)
	for number := 1; ; number++ {
		var line json.RawMessage
		err := errors.Join(ctx.Err(), decoder.Decode(&line))
		if errors.Is(err, io.EOF) && ctx.Err() == nil {
			break
		}
		if err == nil {
			err = importing.add(line)
		}
		if err != nil {
			return 0, fmt.Errorf("storage: importing object %d: %w", number, err)
		}
		if options.Progress != nil {
			options.Progress(int64(number), 0)
		}
	}
	if err := bolt.Create(ctx, options.Dir, importing.snapshot(), options.Progress); err != nil {
		return 0, err
	}
	return int64(len(importing.kvs)), nil
}

// importing is what was read of an import.
type importing struct {
	options Options
	prefix  string // of all keys
	seen    map[string]bool
	kvs     []*mvccpb.KeyValue
	last    int64 // revision
}

func (i *importing) add(line []byte) error {
	object, named, err := i.options.decode(line)
	if err != nil {
		return err
	}
	if named.GetName() == "" {
		return errors.New("it has no name")
	}
	for _, name := range []string{named.GetNamespace(), named.GetName()} {
		// Others would be part of a path that leads elsewhere.
		if problems := content.IsPathSegmentName(name); len(problems) > 0 {
			return fmt.Errorf("its name or namespace %q is none of an object: %s", name, strings.Join(problems, ", "))
		}
	}
	key := path.Join(i.prefix, named.GetNamespace(), named.GetName())
	if i.seen[key] {
		return fmt.Errorf("%s is there twice", key)
	}
	i.seen[key] = true
	rev, err := i.takeRevision(named)
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	if named.GetUID() == "" {
		named.SetUID(uuid.NewUUID())
	}
	value, err := runtime.Encode(i.options.Codec, object)
	if err != nil {
		return fmt.Errorf("%s: encoding: %w", key, err)
	}
	i.kvs = append(i.kvs, &mvccpb.KeyValue{Key: []byte(key), Value: value, ModRevision: rev, CreateRevision: rev, Version: 1})
	return nil
}

// takeRevision removes the resource version from an object, as it isn't stored
// in it; 0 is that there was none.
func (i *importing) takeRevision(named metav1.Object) (int64, error) {
	text := named.GetResourceVersion()
	if text == "" {
		return 0, nil
	}
	rev, err := strconv.ParseInt(text, 10, 64)
	if err != nil || rev < 2 || rev > math.MaxInt64-2*revisionGap {
		return 0, fmt.Errorf("metadata.resourceVersion %q is not one of a storage", text)
	}
	named.SetResourceVersion("")
	i.last = max(i.last, rev)
	return rev, nil
}

func (i *importing) snapshot() *mvcc.Snapshot {
	for _, kv := range i.kvs {
		if kv.ModRevision == 0 {
			i.last++
			kv.ModRevision, kv.CreateRevision = i.last, i.last
		}
	}
	last := i.last + revisionGap
	return &mvcc.Snapshot{Revision: last, Compacted: last, KeyValues: i.kvs}
}
