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

// revisionGap is the distance between the versions of imported objects and the next ones of the storage. The
// exported storage has used higher versions than those of its objects, for example for deletions, and a client that
// knows them must not see them here with other content. etcd's documentation recommends the same distance for the
// restoration of a snapshot.
const revisionGap = 1_000_000_000

// Import fills an empty or missing directory with the objects of a resource, all or none, and returns their number.
// Objects keep their resource version, or get one if they have none. The storage continues with versions far above
// those, and watches from earlier ones get an expired error. Import validates only the encoding.
func Import(
	ctx context.Context,
	options Options,
	resource schema.GroupResource,
	from io.Reader,
) (objects int64, err error) {
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
	}
	if err := bolt.Create(ctx, options.Dir, importing.snapshot()); err != nil {
		return 0, err
	}
	return int64(len(importing.kvs)), nil
}

// importing is an import in progress.
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
		return errors.New("metadata.name is missing")
	}
	for _, name := range []string{named.GetNamespace(), named.GetName()} {
		// The names become path segments of the key.
		if problems := content.IsPathSegmentName(name); len(problems) > 0 {
			return fmt.Errorf("invalid name or namespace %q: %s", name, strings.Join(problems, ", "))
		}
	}
	key := path.Join(i.prefix, named.GetNamespace(), named.GetName())
	if i.seen[key] {
		return fmt.Errorf("duplicate object %s", key)
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
	i.kvs = append(
		i.kvs,
		&mvccpb.KeyValue{Key: []byte(key), Value: value, ModRevision: rev, CreateRevision: rev, Version: 1},
	)
	return nil
}

// takeRevision removes the resource version from an object, because values don't
// include it, and returns it, or 0 if there was none.
func (i *importing) takeRevision(named metav1.Object) (int64, error) {
	text := named.GetResourceVersion()
	if text == "" {
		return 0, nil
	}
	rev, err := strconv.ParseInt(text, 10, 64)
	if err != nil || rev < 2 || rev > math.MaxInt64-2*revisionGap {
		return 0, fmt.Errorf("invalid metadata.resourceVersion %q", text)
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
