// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/metadata"

	"tilt.dev/session/pkg/kube/cluster"
	"tilt.dev/session/pkg/kube/manifest"
	"tilt.dev/session/pkg/model"
)

// maxParallel is how many objects are applied or deleted at once.
const maxParallel = 10

// liveObject is an object of the cluster that's to be deleted.
type liveObject struct {
	entry  Entry
	uid    types.UID
	client metadata.ResourceInterface
}

// keptObject is an object that stays, and why.
type keptObject struct {
	entry  Entry
	reason string
}

// examined are entries by what happens to them.
type examined struct {
	delete []liveObject
	kept   []keptObject
	// forget are entries that leave the inventory.
	forget []Entry
}

// examine reads the metadata of objects and says what happens to them.
func (d *Deployer) examine(ctx context.Context, c *cluster.Connection, entries []Entry, namespaces bool) (
	result examined, err error,
) {
	ctx, cancel := context.WithTimeout(ctx, deletionPatience)
	defer cancel()
	type reading struct {
		client metadata.ResourceInterface
		live   *metav1.PartialObjectMetadata
	}
	readings := make([]reading, len(entries))
	var group errgroup.Group
	group.SetLimit(maxParallel)
	for i, e := range entries {
		group.Go(func() (err error) {
			r := &readings[i]
			r.client, r.live, err = lookUp(ctx, c, e)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return result, err
	}
	for i, e := range entries {
		r := readings[i]
		f, reason := judge(e, r.live, d.id, namespaces)
		if reason != "" {
			result.kept = append(result.kept, keptObject{e, reason})
		}
		switch f {
		case deleted:
			result.delete = append(result.delete, liveObject{e, r.live.UID, r.client})
		case forgotten, spared:
			result.forget = append(result.forget, e)
		}
	}
	return result, nil
}

// lookUp reads the metadata of an object, nil if it or its kind isn't there.
func lookUp(ctx context.Context, c *cluster.Connection, e Entry) (
	client metadata.ResourceInterface, live *metav1.PartialObjectMetadata, err error,
) {
	err = c.Retry(ctx, cluster.CallTimeout, nil, func(ctx context.Context) error {
		mapping, err := c.Mapping(ctx, e.groupVersionKind().GroupKind(), e.Version)
		if err != nil {
			return err
		}
		client = c.Metadata.Resource(mapping.Resource)
		if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
			client = c.Metadata.Resource(mapping.Resource).Namespace(e.Namespace)
		}
		live, err = client.Get(ctx, e.Name, metav1.GetOptions{})
		return err
	})
	switch {
	case meta.IsNoMatchError(err), apierrors.IsNotFound(err):
		return nil, nil, nil
	case err != nil:
		return nil, nil, fmt.Errorf("read %v: %w", e, err)
	}
	return client, live, nil
}

// remove deletes objects in the order in which others that need them go first, and waits for each batch. An object that
// is named when its turn comes stays. It returns why objects are left.
func (d *Deployer) remove(ctx context.Context, c *cluster.Connection, objects []liveObject,
	named func(Entry) bool) map[manifest.Key]string {
	var mu sync.Mutex
	left := map[manifest.Key]string{}
	for _, batch := range deletionBatches(objects) {
		var group errgroup.Group
		group.SetLimit(maxParallel)
		for _, o := range batch {
			group.Go(func() error {
				why := "it is in the Tiltfile again"
				if !named(o.entry) {
					why = deleteObject(ctx, c, o)
				}
				if why != "" {
					mu.Lock()
					defer mu.Unlock()
					left[o.entry.key()] = why
				}
				return nil
			})
		}
		_ = group.Wait() // No function returns an error.
	}
	return left
}

// deletionBatches orders objects by their kinds.
func deletionBatches(objects []liveObject) [][]liveObject {
	byKey := map[manifest.Key]liveObject{}
	var skeletons []model.Object
	for _, o := range objects {
		byKey[o.entry.key()] = o
		metadata := map[string]any{"name": o.entry.Name}
		if o.entry.Namespace != "" {
			metadata["namespace"] = o.entry.Namespace
		}
		version, kind := o.entry.groupVersionKind().ToAPIVersionAndKind()
		skeletons = append(skeletons, model.Object{"apiVersion": version, "kind": kind, "metadata": metadata})
	}
	var batches [][]liveObject
	for _, b := range manifest.DeleteOrder(skeletons) {
		var batch []liveObject
		for _, skeleton := range b.Objects {
			batch = append(batch, byKey[manifest.IDOf(skeleton).Key()])
		}
		batches = append(batches, batch)
	}
	return batches
}

// deleteObject deletes an object and waits until it's gone. It returns why the object is left, empty if it's gone.
func deleteObject(ctx context.Context, c *cluster.Connection, o liveObject) (why string) {
	ctx, cancel := context.WithTimeout(ctx, deletionPatience)
	defer cancel()
	if isDefinition(o.entry) {
		if why := instancesLeft(ctx, c, o.entry.Name); why != "" {
			return why
		}
	}
	err := c.Retry(ctx, cluster.CallTimeout, nil, func(ctx context.Context) error {
		return o.client.Delete(ctx, o.entry.Name, deleteOptions(o.entry.Kind, o.uid))
	})
	switch {
	case apierrors.IsNotFound(err):
		return ""
	case apierrors.IsConflict(err):
		return "another object has got its name"
	case err != nil:
		return err.Error()
	}
	return awaitGone(ctx, c, o.uid, func(ctx context.Context) (metav1.Object, error) {
		return o.client.Get(ctx, o.entry.Name, metav1.GetOptions{})
	})
}

// deleteOptions delete one object, and the pods of a workload before the workload itself.
func deleteOptions(kind string, uid types.UID) metav1.DeleteOptions {
	propagation := metav1.DeletePropagationBackground
	switch kind {
	case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob":
		propagation = metav1.DeletePropagationForeground
	}
	return metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}, PropagationPolicy: &propagation}
}

// awaitGone polls an object until it isn't there or another one has its name. At the end of ctx it returns what the
// deletion waits for.
func awaitGone(ctx context.Context, c *cluster.Connection, uid types.UID,
	get func(context.Context) (metav1.Object, error)) (why string) {
	backoff := wait.Backoff{Duration: 50 * time.Millisecond, Factor: 1.5, Steps: 10, Cap: time.Second}
	for why = "its deletion wasn't confirmed in time"; ; {
		var live metav1.Object
		err := c.Retry(ctx, cluster.CallTimeout, nil, func(ctx context.Context) (err error) {
			live, err = get(ctx)
			return err
		})
		switch {
		case apierrors.IsNotFound(err), err == nil && live.GetUID() != uid:
			return ""
		case err != nil && ctx.Err() == nil:
			return err.Error()
		case err == nil:
			why = waitsFor(live)
		}
		timer := time.NewTimer(backoff.Step())
		select {
		case <-ctx.Done():
			timer.Stop()
			return why
		case <-timer.C:
		}
	}
}

// waitsFor says what the deletion of an object waits for.
func waitsFor(live metav1.Object) string {
	if live.GetDeletionTimestamp() == nil {
		return "it isn't being deleted"
	}
	finalizers := live.GetFinalizers()
	switch {
	case len(finalizers) == 0:
		return "it is still ending"
	case slices.Equal(finalizers, []string{metav1.FinalizerDeleteDependents}):
		return "its deletion waits for objects that belong to it, such as pods that are ending"
	}
	return "its deletion waits for finalizers: " + strings.Join(finalizers, ", ")
}

// instancesLeft says that a custom resource definition has objects, which its deletion would delete as well, also those
// of other projects.
func instancesLeft(ctx context.Context, c *cluster.Connection, definition string) (why string) {
	var instances *metav1.PartialObjectMetadataList
	err := c.Retry(ctx, cluster.CallTimeout, nil, func(ctx context.Context) error {
		live, err := c.Dynamic.Resource(definitions).Get(ctx, definition, metav1.GetOptions{})
		if err != nil {
			return err
		}
		resource := definedResource(live)
		instances, err = c.Metadata.Resource(resource).List(ctx, metav1.ListOptions{Limit: 1})
		return err
	})
	switch {
	case apierrors.IsNotFound(err):
		return ""
	case err != nil:
		return fmt.Sprintf("whether it has objects isn't known: %v", err)
	case len(instances.Items) == 0:
		return ""
	}
	o := instances.Items[0]
	return fmt.Sprintf("there are still objects of this kind, such as %q in namespace %q; delete them first",
		o.Name, o.Namespace)
}

// definitions are the custom resource definitions.
var definitions = schema.GroupVersionResource{
	Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions",
}

// definedResource returns the resource that a definition defines, in a version that is served.
func definedResource(definition *unstructured.Unstructured) schema.GroupVersionResource {
	group, _, _ := unstructured.NestedString(definition.Object, "spec", "group")
	plural, _, _ := unstructured.NestedString(definition.Object, "spec", "names", "plural")
	versions, _, _ := unstructured.NestedSlice(definition.Object, "spec", "versions")
	for _, v := range versions {
		if version, ok := v.(map[string]any); ok && version["served"] == true {
			name, _ := version["name"].(string)
			return schema.GroupVersionResource{Group: group, Version: name, Resource: plural}
		}
	}
	return schema.GroupVersionResource{Group: group, Resource: plural}
}
