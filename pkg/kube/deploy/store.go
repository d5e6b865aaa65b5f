// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/kube/cluster"
)

// store keeps the inventory of a project in a ConfigMap of the context's namespace. Several processes may use the same
// one.
type store struct {
	id, name string
	// writing makes the updates of this process wait for each other, rather than conflict.
	writing turn
}

func newStore(id string) *store {
	sum := sha256.Sum256([]byte(id))
	return &store{id: id, name: "tilt-session-inventory-" + hex.EncodeToString(sum[:5]), writing: newTurn()}
}

// maxConflicts is how often an update is tried if other processes are ahead each time.
const maxConflicts = 20

// storePatience is how long the store waits for a cluster that is away.
const storePatience = 30 * time.Second

// read returns the entries, none without a ConfigMap. It calls away, which may be nil, once if the cluster doesn't
// answer.
func (s *store) read(ctx context.Context, c *cluster.Connection, away func(error)) ([]Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	_, entries, err := s.get(ctx, c, away)
	return entries, err
}

// update changes the entries. It repeats the change if another process was ahead. Change returns false if nothing is to
// be written.
func (s *store) update(ctx context.Context, c *cluster.Connection, away func(error),
	change func([]Entry) ([]Entry, bool)) error {
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	err := s.writing.take(ctx)
	if err != nil {
		return err
	}
	defer s.writing.giveBack()
	for range maxConflicts {
		var object *v1.ConfigMap
		var entries []Entry
		object, entries, err = s.get(ctx, c, away)
		if err != nil {
			return err
		}
		entries, changed := change(entries)
		if !changed {
			return nil
		}
		err = s.put(ctx, c, object, entries)
		if !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) && !apierrors.IsNotFound(err) {
			break
		}
		if namespaceMissing(err) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("write the inventory %s/%s: %w", c.Cluster.Namespace, s.name, err)
	}
	return nil
}

// remove deletes the ConfigMap.
func (s *store) remove(ctx context.Context, c *cluster.Connection) error {
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	if err := s.writing.take(ctx); err != nil {
		return err
	}
	defer s.writing.giveBack()
	err := c.Retry(ctx, cluster.CallTimeout, nil, func(ctx context.Context) error {
		return c.Core.ConfigMaps(c.Cluster.Namespace).Delete(ctx, s.name, metav1.DeleteOptions{})
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete the inventory %s/%s: %w", c.Cluster.Namespace, s.name, err)
	}
	return nil
}

// get returns the ConfigMap, nil if there is none, and its entries.
func (s *store) get(ctx context.Context, c *cluster.Connection, away func(error)) (
	object *v1.ConfigMap, entries []Entry, err error,
) {
	err = c.Retry(ctx, cluster.CallTimeout, away, func(ctx context.Context) (err error) {
		object, err = c.Core.ConfigMaps(c.Cluster.Namespace).Get(ctx, s.name, metav1.GetOptions{})
		return err
	})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil, nil
	case err != nil:
		return nil, nil, fmt.Errorf("read the inventory %s/%s: %w", c.Cluster.Namespace, s.name, err)
	case object.Annotations[InventoryKey] != s.id:
		return nil, nil, fmt.Errorf("ConfigMap %s/%s is the inventory of %q, not of %q; set another name with --inventory",
			c.Cluster.Namespace, s.name, object.Annotations[InventoryKey], s.id)
	}
	entries, err = decode(object.Data, object.BinaryData)
	if err != nil {
		return nil, nil, fmt.Errorf("the inventory in ConfigMap %s/%s can't be read: %w; delete it to begin another",
			c.Cluster.Namespace, s.name, err)
	}
	return object, entries, nil
}

func (s *store) put(ctx context.Context, c *cluster.Connection, object *v1.ConfigMap, entries []Entry) error {
	data, binary, err := encode(entries)
	if err != nil {
		return err
	}
	create := object == nil
	if create {
		object = &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
			Name: s.name, Namespace: c.Cluster.Namespace, Annotations: map[string]string{InventoryKey: s.id},
			Labels: map[string]string{"app.kubernetes.io/managed-by": fieldManager},
		}}
	}
	object.Data, object.BinaryData = data, binary
	return c.Retry(ctx, cluster.CallTimeout, nil, func(ctx context.Context) error {
		maps := c.Core.ConfigMaps(c.Cluster.Namespace)
		if create {
			_, err = maps.Create(ctx, object, metav1.CreateOptions{FieldManager: fieldManager})
		} else {
			_, err = maps.Update(ctx, object, metav1.UpdateOptions{FieldManager: fieldManager})
		}
		return err
	})
}

// namespaceMissing is true for an error that says that the namespace of an object doesn't exist.
func namespaceMissing(err error) bool {
	status := apierrors.APIStatus(nil)
	return apierrors.IsNotFound(err) && errors.As(err, &status) && status.Status().Details != nil &&
		status.Status().Details.Kind == "namespaces"
}
