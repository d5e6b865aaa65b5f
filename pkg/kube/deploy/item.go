// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"tilt.dev/session/pkg/kube/cluster"
	"tilt.dev/session/pkg/kube/manifest"
)

// obstacle is an object that must be gone before another of its name can be applied.
type obstacle struct {
	live *unstructured.Unstructured
	// reason is why it's deleted, empty if it's being deleted already.
	reason string
}

// maxObstacles is how often an object of another process may come back.
const maxObstacles = 3

// applyItem applies one object. Its time doesn't run while an older object of its name ends.
func (r *run) applyItem(ctx context.Context, i *item) error {
	for n := 0; ; n++ {
		o, err := r.tryItem(ctx, i)
		if err != nil || o == nil {
			return err
		}
		if n == maxObstacles {
			return errors.New("something else creates an object of this name each time it's deleted; stop that first")
		}
		if err := r.clear(ctx, i, o); err != nil {
			return err
		}
		if o.reason != "" {
			i.change = replaced
		}
	}
}

// tryItem applies an object once, unless an obstacle is in the way.
func (r *run) tryItem(ctx context.Context, i *item) (*obstacle, error) {
	ctx, cancel := r.limited(cluster.WithWarnings(ctx, func(text string) { r.warn("%s: %s", i.name, text) }))
	defer cancel()
	if err := r.repeat(ctx, i, func(ctx context.Context) error { return r.locateItem(ctx, i) }); err != nil {
		return nil, r.late(ctx, i, err)
	}
	live, err := r.read(ctx, i)
	if err != nil {
		return nil, r.late(ctx, i, err)
	}
	if live != nil {
		if live.GetDeletionTimestamp() != nil {
			return &obstacle{live: live}, nil
		}
		if reason := rerun(live, r.requested && i.change != replaced); reason != "" {
			return &obstacle{live, reason}, nil
		}
	}
	r.claim(i, live)
	result, err := r.submit(ctx, i, live)
	switch {
	case err != nil && live != nil && immutable(err):
		return r.replacement(ctx, i, live, err)
	case err != nil:
		return nil, r.late(ctx, i, err)
	case result.GetDeletionTimestamp() != nil:
		return &obstacle{live: result}, nil
	}
	restarts := r.requested
	// Without an image of the project there is none that has the files.
	if r.first && len(r.deploy.Images) > 0 && !restarts && live != nil && restartable(live, result) {
		if restarts, err = r.liveUpdated(ctx, i, result); err != nil {
			return nil, r.late(ctx, i, err)
		}
	}
	if restarts {
		if result, err = r.restart(ctx, i, live, result); err != nil {
			return nil, r.late(ctx, i, err)
		}
	}
	i.result = result
	if i.change == "" {
		i.change = changeOf(live, result)
	}
	return nil, nil
}

// changeOf says what an apply did. Controllers may have written the status and annotations of their own meanwhile, so
// versions tell nothing.
func changeOf(live, result *unstructured.Unstructured) change {
	switch {
	case live == nil:
		return created
	case reflect.DeepEqual(content(live), content(result)):
		return unchanged
	}
	return changed
}

// content is a copy of an object without what the server and controllers write.
func content(o *unstructured.Unstructured) map[string]any {
	o = o.DeepCopy()
	for _, path := range [][]string{
		{"status"}, {"metadata", "resourceVersion"}, {"metadata", "managedFields"}, {"metadata", "generation"},
		{"metadata", "annotations", "deployment.kubernetes.io/revision"},
	} {
		unstructured.RemoveNestedField(o.Object, path...)
	}
	return o.Object
}

// read returns the object as it is in the cluster, nil if it isn't there.
func (r *run) read(ctx context.Context, i *item) (live *unstructured.Unstructured, err error) {
	err = r.connection.Retry(ctx, cluster.CallTimeout, r.trying(i), func(ctx context.Context) (err error) {
		live, err = i.client.Get(ctx, i.object.GetName(), metav1.GetOptions{})
		return err
	})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return live, err
}

// claim sets the annotation of the inventory. A Namespace that was there before isn't ours, so that nothing deletes it.
func (r *run) claim(i *item, live *unstructured.Unstructured) {
	if live == nil {
		return
	}
	owner := live.GetAnnotations()[InventoryKey]
	if isNamespace(entryOf(i.object, "")) {
		annotations := i.object.GetAnnotations()
		delete(annotations, InventoryKey)
		if owner != "" {
			annotations[InventoryKey] = owner
		}
		i.object.SetAnnotations(annotations)
	} else if owner != "" && owner != r.id {
		r.warn("%s was deployed by %q; it belongs to %q from now on", i.name, owner, r.id)
	}
}

// rerun says why an object is deleted and created again because a person asked for the deploy: a Job that has ended, or
// a Pod without an owner. Nothing else is.
func rerun(live *unstructured.Unstructured, requested bool) (reason string) {
	if !requested {
		return ""
	}
	gvk := live.GroupVersionKind()
	switch {
	case gvk.Group == "batch" && gvk.Kind == "Job":
		conditions, _, _ := unstructured.NestedSlice(live.Object, "status", "conditions")
		for _, c := range conditions {
			condition, _ := c.(map[string]any)
			if (condition["type"] == "Complete" || condition["type"] == "Failed") && condition["status"] == "True" {
				return "it has ended and was asked to run again"
			}
		}
	case gvk.Group == "" && gvk.Kind == "Pod" && metav1.GetControllerOf(live) == nil:
		return "it was asked to start again"
	}
	return ""
}

// clear waits until an obstacle is gone, after deleting it if it isn't being deleted.
func (r *run) clear(ctx context.Context, i *item, o *obstacle) error {
	ctx, cancel := context.WithTimeout(ctx, max(r.limit(), deletionPatience))
	defer cancel()
	uid := o.live.GetUID()
	if o.reason == "" {
		r.print("%s is being deleted; waiting until it's gone", i.name)
	} else {
		r.print("%s is deleted and created again: %s", i.name, o.reason)
		err := r.connection.Retry(ctx, cluster.CallTimeout, r.trying(i), func(ctx context.Context) error {
			return i.client.Delete(ctx, i.object.GetName(), deleteOptions(o.live.GetKind(), uid))
		})
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			return fmt.Errorf("delete it to create it again: %w", err)
		}
	}
	why := awaitGone(ctx, r.connection, uid, func(ctx context.Context) (metav1.Object, error) {
		return i.client.Get(ctx, i.object.GetName(), metav1.GetOptions{})
	})
	if why != "" {
		return fmt.Errorf("an older object of this name must be gone first, but after %v %s",
			max(r.limit(), deletionPatience), why)
	}
	return nil
}

// repeat calls do until it succeeds or its error is final.
func (r *run) repeat(ctx context.Context, i *item, do func(context.Context) error) error {
	return r.connection.RetryWhile(ctx, r.limit(), again, r.trying(i), do)
}

// late explains an error that an object still had when its time was over.
func (r *run) late(ctx context.Context, i *item, err error) error {
	gvk := i.object.GroupVersionKind()
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		if webhooks := r.slowWebhooks(err, i); webhooks != "" {
			err = fmt.Errorf("the server doesn't answer; it may be waiting for an admission webhook: %s", webhooks)
		}
		return fmt.Errorf("not applied within %v: %w; update_settings(k8s_upsert_timeout_secs=) sets the limit",
			r.limit(), err)
	case meta.IsNoMatchError(err):
		return fmt.Errorf("the cluster knows no kind %s of %s; deploy its CustomResourceDefinition before it, "+
			"with resource_deps if another resource has it", gvk.Kind, gvk.GroupVersion())
	case namespaceMissing(err):
		return fmt.Errorf("%w; add it to the YAML, or create it with `kubectl create namespace %s`", err,
			i.object.GetNamespace())
	}
	return err
}

// liveUpdated reports whether pods of a workload have other files than their images, from live updates of an earlier
// run. Nothing tells which these are.
func (r *run) liveUpdated(ctx context.Context, i *item, workload *unstructured.Unstructured) (bool, error) {
	field, _, _ := unstructured.NestedMap(workload.Object, "spec", "selector")
	var selector metav1.LabelSelector
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(field, &selector); err != nil {
		return false, fmt.Errorf("read its selector: %w", err)
	}
	selector.MatchExpressions = append(selector.MatchExpressions,
		metav1.LabelSelectorRequirement{Key: manifest.LiveUpdatedLabel, Operator: metav1.LabelSelectorOpExists})
	var pods *corev1.PodList
	err := r.repeat(ctx, i, func(ctx context.Context) (err error) {
		pods, err = r.connection.Core.Pods(workload.GetNamespace()).List(ctx,
			metav1.ListOptions{LabelSelector: metav1.FormatLabelSelector(&selector)})
		return err
	})
	switch {
	case apierrors.IsForbidden(err): // Live updates take that right too.
		return false, nil
	case err != nil:
		return false, fmt.Errorf("list its pods with live updates: %w", err)
	}
	for n := range pods.Items {
		if pods.Items[n].DeletionTimestamp == nil {
			r.print("%s: pod %s has files of a live update in an earlier run", i.name, pods.Items[n].Name)
			return true, nil
		}
	}
	return false, nil
}

// restart makes the pods of a workload new, as `kubectl rollout restart` does, if the apply itself didn't.
func (r *run) restart(ctx context.Context, i *item, live, result *unstructured.Unstructured) (
	*unstructured.Unstructured, error,
) {
	if live == nil || !restartable(live, result) {
		return result, nil
	}
	patch := fmt.Sprintf(`{"spec":{"template":{"metadata":{"annotations":{%q:%q}}}}}`,
		"kubectl.kubernetes.io/restartedAt", time.Now().Format(time.RFC3339Nano))
	err := r.repeat(ctx, i, func(ctx context.Context) (err error) {
		// With a field manager of its own, the next apply leaves the annotation alone.
		result, err = i.client.Patch(ctx, i.object.GetName(), types.MergePatchType, []byte(patch),
			metav1.PatchOptions{FieldManager: fieldManager + "-restart"})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("restart its pods: %w", err)
	}
	i.change = restarted
	return result, nil
}
