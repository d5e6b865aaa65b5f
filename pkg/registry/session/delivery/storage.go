// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/storage"
)

// recorder tells a Tracker what is written to a storage.
type recorder struct {
	storage.Interface
	tracker *Tracker
}

// Storage returns a storage that does as inner and notes each write.
func (t *Tracker) Storage(inner storage.Interface) storage.Interface {
	return &recorder{Interface: inner, tracker: t}
}

func (r *recorder) Create(ctx context.Context, key string, obj, out runtime.Object, ttl uint64) error {
	if err := r.Interface.Create(ctx, key, obj, out, ttl); err != nil {
		return err
	}
	r.note(out, nil, r.attributes(out))
	return nil
}

func (r *recorder) Delete(ctx context.Context, key string, out runtime.Object, preconditions *storage.Preconditions,
	validate storage.ValidateObjectFunc, cached runtime.Object, options storage.DeleteOptions) error {
	if err := r.Interface.Delete(ctx, key, out, preconditions, validate, cached, options); err != nil {
		return err
	}
	r.note(out, r.attributes(out), nil)
	return nil
}

func (r *recorder) GuaranteedUpdate(ctx context.Context, key string, out runtime.Object, ignoreNotFound bool,
	preconditions *storage.Preconditions, update storage.UpdateFunc, cached runtime.Object) error {
	var before *attributes
	var version uint64
	// The last call is the one whose result was stored.
	observed := func(input runtime.Object, response storage.ResponseMeta) (runtime.Object, *uint64, error) {
		before, version = nil, response.ResourceVersion
		if version != 0 {
			before = r.attributes(input)
		}
		return update(input, response)
	}
	if err := r.Interface.GuaranteedUpdate(ctx, key, out, ignoreNotFound, preconditions, observed, cached); err != nil {
		return err
	}
	if stored, err := r.Versioner().ObjectResourceVersion(out); err == nil && stored != version {
		r.note(out, before, r.attributes(out))
	}
	return nil
}

func (r *recorder) attributes(obj runtime.Object) *attributes {
	labels, fields, err := r.tracker.attributes(obj)
	if err != nil {
		return nil
	}
	return &attributes{labels: labels, fields: fields}
}

func (r *recorder) note(stored runtime.Object, before, after *attributes) {
	object, err := meta.Accessor(stored)
	if err != nil {
		return
	}
	version, err := r.Versioner().ObjectResourceVersion(stored)
	if err != nil {
		return
	}
	r.tracker.note(write{version: version, name: object.GetName(), before: before, after: after})
}
