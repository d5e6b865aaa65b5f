// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"tilt.dev/session/pkg/kube/cluster"
)

// owners knows the owners of objects. What it has read it keeps, since owners of an object hardly ever change.
type owners struct {
	connection *cluster.Connection

	mu    sync.Mutex
	known map[types.UID]*owned
}

// owned is what is known of an object.
type owned struct {
	once   sync.Once
	owners []metav1.OwnerReference
	// created is when the object was created, zero if it's gone.
	created time.Time
	err     error
}

// deepest limits how many owners are followed upwards.
const deepest = 8

// root returns the first owner, from the object upwards, that is one of the applied ones, and when the last owner
// before it was created. It's empty if there is none.
func (o *owners) root(ctx context.Context, namespace string, uid types.UID, refs []metav1.OwnerReference,
	applied map[types.UID]types.UID) (root types.UID, created time.Time, err error) {
	return o.climb(ctx, namespace, uid, refs, applied, deepest)
}

func (o *owners) climb(ctx context.Context, namespace string, uid types.UID, refs []metav1.OwnerReference,
	applied map[types.UID]types.UID, depth int) (types.UID, time.Time, error) {
	if root, ok := applied[uid]; ok {
		return root, time.Time{}, nil
	}
	var failure error
	for _, ref := range refs {
		if root, ok := applied[ref.UID]; ok {
			return root, time.Time{}, nil
		}
		if depth == 0 {
			break
		}
		owner := o.read(ctx, namespace, ref)
		if owner.err != nil {
			failure = owner.err
			continue
		}
		root, created, err := o.climb(ctx, namespace, ref.UID, owner.owners, applied, depth-1)
		if root != "" {
			if created.IsZero() {
				created = owner.created
			}
			return root, created, nil
		}
		if err != nil {
			failure = err
		}
	}
	return "", time.Time{}, failure
}

// read reads the metadata of an object, once.
func (o *owners) read(ctx context.Context, namespace string, ref metav1.OwnerReference) *owned {
	o.mu.Lock()
	entry := o.known[ref.UID]
	if entry == nil {
		entry = &owned{}
		o.known[ref.UID] = entry
	}
	o.mu.Unlock()
	entry.once.Do(func() { entry.err = o.get(ctx, namespace, ref, entry) })
	if entry.err != nil && !apierrors.IsForbidden(entry.err) {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.known[ref.UID] == entry {
			delete(o.known, ref.UID) // To be tried again.
		}
	}
	return entry
}

func (o *owners) get(ctx context.Context, namespace string, ref metav1.OwnerReference, entry *owned) error {
	ctx, cancel := context.WithTimeout(ctx, cluster.CallTimeout)
	defer cancel()
	group, err := schema.ParseGroupVersion(ref.APIVersion)
	if err != nil {
		return nil // Nothing can be read of such an owner.
	}
	mapping, err := o.connection.Mapping(ctx, group.WithKind(ref.Kind).GroupKind(), group.Version)
	if meta.IsNoMatchError(err) {
		return nil // Nor of one whose kind is gone, and to ask again and again would have all kinds be read each time.
	}
	if err != nil {
		return err
	}
	if mapping.Scope.Name() != "namespace" {
		namespace = ""
	}
	object, err := o.connection.Metadata.Resource(mapping.Resource).Namespace(namespace).
		Get(ctx, ref.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && object.UID != ref.UID {
		return nil
	}
	if err != nil {
		return err
	}
	entry.owners, entry.created = object.OwnerReferences, object.CreationTimestamp.Time
	return nil
}
