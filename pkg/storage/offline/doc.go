// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package offline checks, compacts, exports and imports the data directory of a file storage that no server uses.
// For a directory in use it fails at once and names the process.
//
// # Export format
//
// JSON Lines: each line is an object as a client receives it, with apiVersion, kind and metadata.resourceVersion,
// ordered by namespace and name. kubectl can read it as well.
//
// # Non-goals
//
// Exporting the history: clients of the exported storage have to list again. Repairing damaged files.
package offline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"tilt.dev/session/pkg/storage"
	"tilt.dev/session/pkg/storage/bolt"
)

// Options select a data directory.
type Options struct {
	// Dir is the data directory.
	Dir string
	// Codec is the storage's.
	Codec runtime.Codec
	// Prefix is the storage's; "" is storage.DefaultPrefix.
	Prefix string
}

func (o Options) complete() (Options, error) {
	o.Prefix = path.Join("/", cmp.Or(o.Prefix, storage.DefaultPrefix))
	if o.Dir == "" || o.Codec == nil {
		return o, errors.New("storage: a directory and a codec are required")
	}
	return o, nil
}

// Check reads all entries and reports the problems, including values that don't decode to the object that their key
// names. The error is of what prevents the check, not a problem of the file.
func Check(ctx context.Context, options Options) (bolt.Report, error) {
	options, err := options.complete()
	if err != nil {
		return bolt.Report{}, err
	}
	return bolt.Check(ctx, options.Dir, options.checkValue)
}

// Compact rewrites the file without free pages, and returns its size before and after. If it fails the file is
// unchanged. It needs space for the new file beside the old one.
func Compact(ctx context.Context, options Options) (before, after int64, err error) {
	if options, err = options.complete(); err != nil {
		return 0, 0, err
	}
	return bolt.Compact(ctx, options.Dir)
}

func (o Options) checkValue(key string, value []byte) error {
	if !strings.HasPrefix(key, o.Prefix+"/") {
		return nil
	}
	_, _, err := o.decodeNamed(key, value)
	return err
}

// decodeNamed decodes the object that a key names.
func (o Options) decodeNamed(key string, value []byte) (runtime.Object, metav1.Object, error) {
	object, named, err := o.decode(value)
	if err != nil {
		return nil, nil, err
	}
	if name := path.Base(key); named.GetName() != name {
		return nil, nil, fmt.Errorf("the object's name is %q", named.GetName())
	}
	return object, named, nil
}

func (o Options) decode(value []byte) (runtime.Object, metav1.Object, error) {
	object, err := runtime.Decode(o.Codec, value)
	if err != nil {
		return nil, nil, fmt.Errorf("decoding: %w", err)
	}
	named, err := meta.Accessor(object)
	if err != nil {
		return nil, nil, fmt.Errorf("decoding: %w", err)
	}
	return object, named, nil
}
