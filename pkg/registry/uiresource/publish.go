// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package uiresource

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
)

// object is an object of one of the kinds.
type object interface {
	runtime.Object
	metav1.Object
}

// publish makes a kind consist of objects: in their order it creates those that are new, and updates those that differ
// from the last ones; then it deletes those that are gone.
func publish[T object](ctx context.Context, k *kind, objects []T, update func(stored object, projected T)) error {
	gone := maps.Clone(k.published)
	for _, projected := range objects {
		name := projected.GetName()
		last, known := gone[name]
		delete(gone, name)
		var err error
		switch {
		case !known:
			err = k.create(ctx, projected)
		case last == object(projected):
			continue
		case !sameRun(last, projected):
			if err = k.delete(ctx, name); err == nil {
				err = k.create(ctx, projected)
			}
		case !equality.Semantic.DeepEqual(last, object(projected)):
			err = k.change(ctx, name, func(stored object) { update(stored, projected) })
		default:
			continue
		}
		if err != nil {
			return fmt.Errorf("publish %s %q: %w", k.store.DefaultQualifiedResource, name, err)
		}
		k.published[name] = projected
	}
	for _, name := range slices.Sorted(maps.Keys(gone)) {
		if err := k.delete(ctx, name); err != nil {
			return fmt.Errorf("delete %s %q: %w", k.store.DefaultQualifiedResource, name, err)
		}
		delete(k.published, name)
	}
	return nil
}

// sameRun reports whether two objects of one name are of the same run.
func sameRun(a, b object) bool {
	created := a.GetCreationTimestamp()
	other := b.GetCreationTimestamp()
	return created.Equal(&other)
}

func (k *kind) create(ctx context.Context, projected object) error {
	key, err := k.store.KeyFunc(ctx, projected.GetName())
	if err != nil {
		return err
	}
	stored := projected.DeepCopyObject().(object)
	stored.SetUID(uuid.NewUUID())
	return k.store.Storage.Create(ctx, key, stored, k.store.NewFunc(), 0, false)
}

// change stores an object with a change.
func (k *kind) change(ctx context.Context, name string, change func(stored object)) error {
	key, err := k.store.KeyFunc(ctx, name)
	if err != nil {
		return err
	}
	update := storage.SimpleUpdate(func(stored runtime.Object) (runtime.Object, error) {
		changed := stored.DeepCopyObject().(object)
		change(changed)
		return changed, nil
	})
	return k.store.Storage.GuaranteedUpdate(ctx, key, k.store.NewFunc(), false, nil, update, false, nil)
}

func (k *kind) delete(ctx context.Context, name string) error {
	key, err := k.store.KeyFunc(ctx, name)
	if err != nil {
		return err
	}
	return k.store.Storage.Delete(ctx, key, k.store.NewFunc(), nil, rest.ValidateAllObjectFunc, false, nil,
		storage.DeleteOptions{})
}
