// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"tilt.dev/session/pkg/kube/workload/status"
	"tilt.dev/session/pkg/model"
)

// object is an applied object, with the feed that has its state, nil if none is needed.
type object struct {
	*unstructured.Unstructured
	feed      *feed
	namespace string
}

// observation is what is known of a workload at a moment.
type observation struct {
	status.Input
	// known is true once everything was listed.
	known bool
	// away says why the cluster can't be reached, empty if it can.
	away string
	// pods are all pods of the workload, and current those that count, newest first.
	pods, current []status.Pod
	// again is when to look again, zero for at the next change.
	again time.Time
}

// observe reads the feeds, and subscribes to those that it needs.
func (t *activity) observe(ctx context.Context, now time.Time) observation {
	again := time.Time{}
	if t.mapped == nil {
		var err error
		if t.mapped, err = t.mapObjects(ctx); err != nil {
			t.mapped = nil
			away := t.runner.feeds.connection.Explain(err).Error()
			return observation{away: away, again: now.Add(time.Second)}
		}
	}
	seen := observation{known: true, again: again, Input: status.Input{
		Mode: t.spec.workload.Readiness, Hashes: t.spec.applied.TemplateHashes,
		Deployed: t.spec.applied.At.Add(t.skew), Now: now.Add(t.skew),
	}}
	for _, f := range t.feeds {
		synced, err := f.state()
		seen.known = seen.known && (synced || denied(err))
		switch {
		case err == nil || errors.Is(err, context.Canceled):
		case denied(err):
			t.tell("can't watch "+f.describe(), "%v; they don't count for this resource", err)
		default:
			seen.away = fmt.Sprintf("the last known state: %v", t.runner.feeds.connection.Explain(err))
		}
	}
	seen.Away = seen.away
	if !seen.known {
		return seen
	}
	applied := map[types.UID]types.UID{}
	for _, o := range t.mapped {
		latest, deleted := o.latest()
		if o.feed == nil || o.feed.hasSynced() || o.feed.key.resource == podResource {
			seen.Objects = append(seen.Objects, status.Object{Unstructured: latest, Deleted: deleted})
		}
		applied[o.GetUID()], applied[latest.GetUID()] = latest.GetUID(), latest.GetUID()
	}
	if err := t.findPods(ctx, applied, &seen); err != nil {
		seen.again = now.Add(time.Second)
	}
	seen.current = status.Current(seen.pods, seen.Hashes)
	seen.Pods = seen.pods
	seen.Warnings = t.readEvents(ctx, applied, &seen)
	return seen
}

// latest returns the latest state of an object, which may be what the deploy was told.
func (o object) latest() (latest *unstructured.Unstructured, deleted bool) {
	if o.feed == nil || !o.feed.hasSynced() {
		return o.Unstructured, false
	}
	key := o.GetName()
	if o.namespace != "" {
		key = o.namespace + "/" + key
	}
	lags := o.feed.precedes(o.GetResourceVersion()) // The watch may lag behind the deploy.
	item, found, _ := o.feed.GetByKey(key)
	switch watched := item.(type) {
	case *corev1.Pod: // Its state is among the pods.
		return o.Unstructured, watched.UID != o.GetUID() && !lags
	case *unstructured.Unstructured:
		order, err := resourceversion.CompareResourceVersion(watched.GetResourceVersion(), o.GetResourceVersion())
		if err != nil || order >= 0 {
			return watched, false
		}
	}
	return o.Unstructured, !found && !lags
}

// mapObjects finds the resources of the objects, and subscribes to what the workload needs.
func (t *activity) mapObjects(ctx context.Context) ([]object, error) {
	c := t.runner.feeds.connection
	needed := map[feedKey]*feed{}
	need := func(key feedKey) *feed {
		if needed[key] == nil {
			needed[key] = t.feeds[key]
		}
		if needed[key] == nil {
			needed[key] = t.runner.feeds.subscribe(key, t.changed)
			t.feeds[key] = needed[key]
		}
		return needed[key]
	}
	objects := make([]object, 0, len(t.spec.applied.Objects))
	namespaces := map[string]bool{}
	if len(t.spec.workload.PodSelectors) > 0 || len(t.spec.applied.Objects) == 0 {
		namespace := c.Cluster.Namespace
		if t.spec.workload.Cluster != nil {
			namespace = t.spec.workload.Cluster.Namespace
		}
		namespaces[namespace] = true
	}
	for i := range t.spec.applied.Objects {
		o := object{Unstructured: &t.spec.applied.Objects[i]}
		objects = append(objects, o)
		kind := o.GroupVersionKind()
		if !status.HasState(kind.GroupKind()) {
			continue
		}
		mapping, err := c.Mapping(ctx, kind.GroupKind(), kind.Version)
		if meta.IsNoMatchError(err) {
			continue // Its kind is gone, and it with it.
		}
		if err != nil {
			return nil, err
		}
		if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
			o.namespace = o.GetNamespace()
			if status.MakesPods(o.Unstructured) {
				namespaces[o.namespace] = true
			}
		}
		if t.spec.workload.Readiness != model.PodReadinessIgnore {
			o.feed = need(feedKey{mapping.Resource, o.namespace})
		}
		objects[i] = o
	}
	for namespace := range namespaces {
		need(feedKey{podResource, namespace})
		need(feedKey{eventResource, namespace})
	}
	for key, f := range t.feeds {
		if needed[key] == nil {
			t.runner.feeds.release(f, t.changed)
			delete(t.feeds, key)
		}
	}
	return objects, nil
}

// findPods finds the pods of the workload.
func (t *activity) findPods(ctx context.Context, applied map[types.UID]types.UID, seen *observation) error {
	var failure error
	for key, f := range t.feeds {
		if key.resource != podResource {
			continue
		}
		for _, item := range f.List() {
			p, ok := item.(*corev1.Pod)
			if !ok {
				continue
			}
			pod := status.Pod{Pod: p}
			if !t.spec.workload.SelectorsOnly {
				var err error
				pod.Root, pod.OwnerCreated, err = t.runner.owners.root(ctx, p.Namespace, p.UID, p.OwnerReferences, applied)
				if apierrors.IsForbidden(err) {
					t.tell("can't tell the owners of pods", "%v; they are found by the selectors of objects", err)
					pod.Root = t.selector(p)
				} else if err != nil {
					failure = err
				}
			}
			if pod.Root != "" || t.selected(p) {
				seen.pods = append(seen.pods, pod)
			}
		}
	}
	return failure
}

func (t *activity) selected(p *corev1.Pod) bool {
	return slices.ContainsFunc(t.spec.workload.PodSelectors, func(s map[string]string) bool {
		return len(s) > 0 && labels.SelectorFromSet(s).Matches(labels.Set(p.Labels))
	})
}

// selector returns the applied object whose selector matches a pod.
func (t *activity) selector(p *corev1.Pod) types.UID {
	for _, o := range t.mapped {
		value, _, _ := unstructured.NestedMap(o.Object, "spec", "selector")
		var selector metav1.LabelSelector
		if o.namespace != p.Namespace || len(value) == 0 ||
			runtime.DefaultUnstructuredConverter.FromUnstructured(value, &selector) != nil {
			continue
		}
		if s, err := metav1.LabelSelectorAsSelector(&selector); err == nil && !s.Empty() && s.Matches(labels.Set(p.Labels)) {
			return o.GetUID()
		}
	}
	return ""
}
