// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// immutable reports whether an error says that a field of an existing object can't have the new value. It may be wrong
// in a new object as well; only the server can tell.
func immutable(err error) bool {
	if !apierrors.IsInvalid(err) {
		return false
	}
	for _, cause := range causes(err) {
		switch cause.Type {
		case metav1.CauseTypeForbidden, metav1.CauseTypeFieldValueInvalid:
			return true
		}
	}
	return false
}

// causes are the structured causes of an error of the server.
func causes(err error) []metav1.StatusCause {
	status := apierrors.APIStatus(nil)
	if !errors.As(err, &status) || status.Status().Details == nil {
		return nil
	}
	return status.Status().Details.Causes
}

// fields lists the causes of an error: "spec.template: field is immutable".
func fields(err error) string {
	var lines []string
	for _, cause := range causes(err) {
		lines = append(lines, cause.Field+": "+shortened(cause.Message))
	}
	return strings.Join(lines, "; ")
}

// shortened removes the value from a message such as `Invalid value: {...}: field is immutable`, which may be long.
func shortened(message string) string {
	const longest = 200
	if i := strings.LastIndex(message, ": "); len(message) > longest && i >= 0 {
		message = message[i+2:]
	}
	if len(message) > longest {
		message = strings.ToValidUTF8(message[:longest], "") + "..."
	}
	return message
}

// irreplaceable are the kinds whose deletion loses what the YAML doesn't have: data, or objects of others. They are
// never deleted to be created again.
var irreplaceable = map[string]bool{
	"PersistentVolumeClaim": true,
	"PersistentVolume":      true,
	"Namespace":             true,
	"ServiceAccount":        true,
	"Secret":                true,
	"CustomResourceDefinition.apiextensions.k8s.io": true,
}

// losing reports whether the deletion of an object loses what its YAML doesn't have.
func losing(live *unstructured.Unstructured) bool {
	kind := live.GroupVersionKind().GroupKind().String()
	policy, _, _ := unstructured.NestedString(live.Object, "spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted")
	return irreplaceable[kind] || kind == "StatefulSet.apps" && policy == "Delete"
}

// replacement decides what follows after the server refused a change to an object. The object is replaced if the
// server would take it as a new one.
func (r *run) replacement(ctx context.Context, i *item, live *unstructured.Unstructured, refusal error) (
	*obstacle, error,
) {
	switch err := r.dryCreate(ctx, i); {
	case apierrors.IsInvalid(err):
		return nil, refusal // The object is wrong by itself.
	case err != nil:
		return nil, fmt.Errorf("%w; it isn't deleted and created again, because a dry run of that failed: %w; run "+
			"`kubectl delete` on it and trigger the resource if it may be replaced", refusal, err)
	}
	if losing(live) {
		return nil, fmt.Errorf("%w; a %s isn't deleted and created again by itself, because that would lose what it "+
			"holds: undo the change, use another name, or run `kubectl delete` on it and trigger the resource",
			refusal, i.object.GetKind())
	}
	return &obstacle{live, fields(refusal)}, nil
}

// dryCreate asks the server whether an object would be valid as a new one. An existing object of its name is found
// after all else was checked.
func (r *run) dryCreate(ctx context.Context, i *item) error {
	var err error
	err = r.repeat(ctx, i, func(ctx context.Context) error {
		_, err = i.client.Create(ctx, i.object, metav1.CreateOptions{
			DryRun: []string{metav1.DryRunAll}, FieldManager: fieldManager,
		})
		return err
	})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// await waits until objects that others need can be used: a definition until it is established. A Namespace can be used
// once it is there.
func (r *run) await(ctx context.Context, i *item) error {
	if !isDefinition(entryOf(i.object, "")) {
		return nil
	}
	ctx, cancel := r.limited(ctx)
	defer cancel()
	pending := errors.New("it isn't established")
	while := func(err error, since time.Duration) bool { return errors.Is(err, pending) || again(err, since) }
	return r.connection.RetryWhile(ctx, r.limit(), while, nil, func(ctx context.Context) error {
		live, err := i.client.Get(ctx, i.object.GetName(), metav1.GetOptions{})
		if err != nil {
			return err
		}
		i.result = live
		done, reason := established(live)
		switch {
		case done:
			return nil
		case reason != "":
			return fmt.Errorf("%w: %s", pending, reason)
		}
		return pending
	})
}

// established reports whether the kind of a definition is served, and what stands against it.
func established(definition *unstructured.Unstructured) (done bool, reason string) {
	conditions, _, _ := unstructured.NestedSlice(definition.Object, "status", "conditions")
	for _, c := range conditions {
		condition, _ := c.(map[string]any)
		switch {
		case condition["type"] == "Established" && condition["status"] == "True":
			done = true
		case condition["type"] == "NamesAccepted" && condition["status"] == "False":
			reason = fmt.Sprintf("its names aren't accepted: %v", condition["message"])
		}
	}
	return done, reason
}
