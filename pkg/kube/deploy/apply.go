// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/kube/cluster"
	"tilt.dev/session/pkg/kube/manifest"
	"tilt.dev/session/pkg/model"
)

// fieldManager owns the fields that are applied.
const fieldManager = "tilt-session"

// run is one deploy of objects.
type run struct {
	printer
	connection *cluster.Connection
	deploy     *model.Deploy
	// id is that of the inventory.
	id string
	// requested is true if a person asked for the deploy.
	requested bool
	// first is true until a deploy of the resource has succeeded in this run.
	first bool
}

// item is an object of a deploy.
type item struct {
	object *unstructured.Unstructured
	// name is that in logs.
	name   string
	client dynamic.ResourceInterface
	// result is the object as the server returned it, and change what happened to it. They are set by a successful
	// apply.
	result *unstructured.Unstructured
	change change
}

// change is what a deploy did to an object.
type change string

const (
	unchanged change = "unchanged"
	created   change = "created"
	changed   change = "changed"
	replaced  change = "replaced"
	restarted change = "restarted"
)

// outcome is the result of a deploy of objects.
type outcome struct {
	objects []unstructured.Unstructured
	hashes  []string
}

// apply brings the objects of a deploy to the cluster, batch by batch. The first batch with a failure is the last one;
// all objects of that batch are tried.
func (d *Deployer) apply(ctx context.Context, c *cluster.Connection, deploy *model.Deploy,
	request engine.UpdateRequest) (outcome, error) {
	objects, err := manifest.Inject(deploy.Objects, deploy.Images, request.Images, manifest.Mark{
		Resource: deploy.Resource, Annotations: map[string]string{InventoryKey: d.id},
	})
	if err != nil {
		return outcome{}, err
	}
	r := &run{
		printer: printer{request.Log}, connection: c, deploy: deploy, id: d.id, requested: request.Requested,
		first: d.first(deploy.Resource),
	}
	r.print("Applying YAML to cluster")
	batches := manifest.ApplyOrder(objects)
	var order []model.Object
	for _, b := range batches {
		order = append(order, b.Objects...)
	}
	names := manifest.DisplayNames(order)
	items := make([]*item, len(order))
	for i, o := range order {
		items[i] = &item{object: &unstructured.Unstructured{Object: runtime.DeepCopyJSON(o)}, name: names[i]}
	}
	recorded, first := false, 0
	for _, b := range batches {
		batch := items[first : first+len(b.Objects)]
		// The namespace of the inventory may be among the objects, so Namespaces are applied before it is written.
		if !recorded && !isNamespace(entryOf(batch[0].object, deploy.Resource)) {
			recorded = true
			if err := r.locate(ctx, items); err != nil {
				return outcome{}, err
			}
			if err := d.record(ctx, r, items); err != nil {
				return outcome{}, err
			}
		}
		if err := r.applyBatch(ctx, batch, b.Await); err != nil {
			r.report("Tried to apply objects to cluster:", items[:first+len(batch)])
			return outcome{}, err
		}
		first += len(batch)
	}
	if !recorded {
		if err := d.record(ctx, r, items); err != nil {
			return outcome{}, err
		}
	}
	r.report("Objects applied to cluster:", items)
	result := outcome{hashes: manifest.PodTemplateHashes(objects)}
	for _, i := range items {
		i.result.SetManagedFields(nil)
		result.objects = append(result.objects, *i.result)
	}
	return result, nil
}

// applyBatch applies objects that don't depend on each other, and waits until those that others depend on can be used.
func (r *run) applyBatch(ctx context.Context, batch []*item, await bool) error {
	errs := make([]error, len(batch))
	var group errgroup.Group
	group.SetLimit(maxParallel)
	for n, i := range batch {
		group.Go(func() error {
			err := r.applyItem(ctx, i)
			if err == nil && await {
				err = r.await(ctx, i)
			}
			if err != nil {
				errs[n] = fmt.Errorf("apply %s: %w", i.name, err)
			}
			return nil
		})
	}
	_ = group.Wait() // The functions return no errors.
	if await && isDefinition(entryOf(batch[0].object, "")) {
		r.connection.ForgetKinds(ctx)
	}
	return errors.Join(errs...)
}

// report lists the objects whose apply did something, and counts the others.
func (r *run) report(title string, items []*item) {
	r.print("%s", title)
	same := 0
	for _, i := range items {
		switch i.change {
		case unchanged:
			same++
		case "":
			r.print("  → %s: not applied", i.name)
		default:
			r.print("  → %s %s", i.name, i.change)
		}
	}
	if same > 0 {
		r.print("  %d unchanged", same)
	}
}

// locate sets the namespaces of objects whose kinds are known: what the server would set, and none for kinds without.
// Those of kinds that this deploy defines are located when they are applied.
func (r *run) locate(ctx context.Context, items []*item) error {
	ctx, cancel := r.limited(ctx)
	defer cancel()
	unknown := map[schema.GroupVersionKind]bool{}
	for _, i := range items {
		gvk := i.object.GroupVersionKind()
		if unknown[gvk] {
			continue
		}
		err := r.locateItem(ctx, i)
		if unknown[gvk] = meta.IsNoMatchError(err); err != nil && !unknown[gvk] {
			return r.late(ctx, i, err)
		}
	}
	return nil
}

// locateItem sets the client of an item and the namespace of its object.
func (r *run) locateItem(ctx context.Context, i *item) error {
	if i.client != nil {
		return nil
	}
	return r.connection.Retry(ctx, cluster.CallTimeout, r.trying(i), func(ctx context.Context) error {
		client, namespaced, err := r.connection.Resource(ctx, i.object.GroupVersionKind(), i.object.GetNamespace())
		if err != nil {
			return err
		}
		switch {
		case !namespaced:
			i.object.SetNamespace("")
		case i.object.GetNamespace() == "":
			i.object.SetNamespace(r.connection.Cluster.Namespace)
		}
		i.client = client
		return nil
	})
}

// record writes what is about to be applied to the inventory. If it can't be written for another reason than a cluster
// that is away, the deploy goes on without.
func (d *Deployer) record(ctx context.Context, r *run, items []*item) error {
	entries := make([]Entry, 0, len(items))
	for _, i := range items {
		e := entryOf(i.object, r.deploy.Resource)
		if i.client == nil && e.Namespace == "" {
			e.Namespace = r.connection.Cluster.Namespace
		}
		entries = append(entries, e)
	}
	ctx, cancel := r.limited(ctx)
	defer cancel()
	err := d.inventory.update(ctx, r.connection, r.printer.away, func(known []Entry) ([]Entry, bool) {
		return record(known, entries)
	})
	if cluster.Unreachable(err) || ctx.Err() != nil {
		return err
	}
	if err != nil {
		r.warn("What leaves the YAML won't be pruned: %v", err)
	}
	return nil
}

func entryOf(o *unstructured.Unstructured, resource string) Entry {
	gvk := o.GroupVersionKind()
	return Entry{
		Resource: resource, Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind,
		Namespace: o.GetNamespace(), Name: o.GetName(),
	}
}

// limit is the time for one object.
func (r *run) limit() time.Duration { return cmp.Or(r.deploy.Timeout, model.DefaultTimeout) }

// limited returns a context for one object.
func (r *run) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, r.limit())
}

// trying tells once why an object is tried again.
func (r *run) trying(i *item) func(error) {
	return func(err error) { r.warn("%s: %v; trying again for up to %v", i.name, err, r.limit()) }
}

// briefPatience is how long a kind or a path is tried that the server doesn't know: it appears soon after its
// definition is established, or never.
const briefPatience = 5 * time.Second

// again reports whether a failed request is repeated, by its error and the time since the first one. Until the time of
// the object is over these are repeated: connections that fail, internal errors of the server, which stand for webhooks
// that don't answer yet, and namespaces that are ending. Writes that another one overtook are repeated for a moment.
func again(err error, since time.Duration) bool {
	switch {
	case undeclared(err):
		return false
	case cluster.Unreachable(err), apierrors.IsInternalError(err), apierrors.IsServerTimeout(err),
		apierrors.IsTimeout(err), apierrors.IsTooManyRequests(err), apierrors.HasStatusCause(err, "NamespaceTerminating"):
		return true
	case meta.IsNoMatchError(err), apierrors.IsNotFound(err) && !namespaceMissing(err), apierrors.IsConflict(err):
		return since < briefPatience
	}
	return false
}
