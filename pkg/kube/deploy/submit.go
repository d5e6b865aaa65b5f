// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"

	"tilt.dev/session/pkg/model"
)

// submit sends an object to the server.
func (r *run) submit(ctx context.Context, i *item, live *unstructured.Unstructured) (
	result *unstructured.Unstructured, err error,
) {
	send := r.serverSide
	if r.deploy.Apply == model.ApplyClientSide {
		send = r.clientSide
	}
	err = r.repeat(ctx, i, func(ctx context.Context) error {
		result, err = send(ctx, i, live)
		return err
	})
	if err == nil || r.deploy.Apply != model.ApplyAuto || !undeclared(err) {
		return result, err
	}
	r.warn("%s: %v; server-side apply takes no such fields, so it is applied without it", i.name, err)
	err = r.repeat(ctx, i, func(ctx context.Context) error {
		result, err = r.clientSide(ctx, i, live)
		return err
	})
	return result, err
}

// undeclared reports whether server-side apply refused an object because its schema has no such field. Other ways of
// applying it only warn. Upstream: sigs.k8s.io/structured-merge-diff v6.3, typed: the error is plain, so the server
// answers with 500 and marks the fault by its text alone.
func undeclared(err error) bool {
	return strings.Contains(err.Error(), "field not declared in schema")
}

// serverSide applies an object by server-side apply. Fields of other managers are taken, and the log says which.
func (r *run) serverSide(ctx context.Context, i *item, live *unstructured.Unstructured) (
	*unstructured.Unstructured, error,
) {
	if err := r.takeOver(ctx, i, live); err != nil {
		return nil, err
	}
	data, err := json.Marshal(i.object)
	if err != nil {
		return nil, err
	}
	options := metav1.PatchOptions{FieldManager: fieldManager, FieldValidation: metav1.FieldValidationWarn}
	result, err := i.client.Patch(ctx, i.object.GetName(), types.ApplyPatchType, data, options)
	taken := conflicts(err)
	if taken == nil {
		return result, err
	}
	force := true
	options.Force = &force
	result, err = i.client.Patch(ctx, i.object.GetName(), types.ApplyPatchType, data, options)
	if err == nil {
		for _, line := range taken {
			r.warn("%s: %s", i.name, line)
		}
	}
	return result, err
}

// conflicts are the fields that other managers own, nil if an error isn't about such fields.
func conflicts(err error) []string {
	if !apierrors.IsConflict(err) {
		return nil
	}
	var lines []string
	for _, cause := range causes(err) {
		if cause.Type == metav1.CauseTypeFieldManagerConflict {
			lines = append(lines, fmt.Sprintf("took %s from %s", cause.Field,
				strings.TrimPrefix(cause.Message, "conflict with ")))
		}
	}
	return lines
}

// clientManagers are the managers of fields that client-side apply has set, ours and those of users that come from
// kubectl or Tilt.
var clientManagers = sets.New(fieldManager, "kubectl-client-side-apply", "kubectl", "tilt")

// takeOver makes fields that client-side apply has set ours, so that what leaves the YAML leaves the object as well.
func (r *run) takeOver(ctx context.Context, i *item, live *unstructured.Unstructured) error {
	if live == nil || live.GetAnnotations()[v1.LastAppliedConfigAnnotation] == "" {
		return nil
	}
	patch, err := csaupgrade.UpgradeManagedFieldsPatch(live, clientManagers, fieldManager)
	if err != nil || patch == nil {
		return err
	}
	_, err = i.client.Patch(ctx, i.object.GetName(), types.JSONPatchType, patch, metav1.PatchOptions{
		FieldManager: fieldManager,
	})
	if apierrors.IsConflict(err) || apierrors.IsInvalid(err) {
		return nil // Someone else has changed the object. The next deploy tries again.
	}
	return err
}

// restartable reports whether a workload has a pod template that an apply left as it was.
func restartable(live, result *unstructured.Unstructured) bool {
	gvk := live.GroupVersionKind()
	if gvk.Group != "apps" || gvk.Kind == "ReplicaSet" || gvk.Kind == "ControllerRevision" {
		return false
	}
	before, _, _ := unstructured.NestedMap(live.Object, "spec", "template")
	after, _, _ := unstructured.NestedMap(result.Object, "spec", "template")
	return after != nil && reflect.DeepEqual(before, after)
}
