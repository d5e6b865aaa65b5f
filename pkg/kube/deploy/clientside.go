// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"context"
	"encoding/json"
	"maps"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/kubernetes/scheme"
)

// maxAnnotations is what the server takes as annotations of one object.
const maxAnnotations = 256 << 10

// clientSide applies an object as kubectl does without the server's help: by a patch from what was applied last, which
// an annotation has, and what is live to what the object is now.
func (r *run) clientSide(ctx context.Context, i *item, _ *unstructured.Unstructured) (
	*unstructured.Unstructured, error,
) {
	modified, annotated, err := lastApplied(i.object)
	if err != nil {
		return nil, err
	}
	for {
		live, err := i.client.Get(ctx, i.object.GetName(), metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			return i.client.Create(ctx, modified, metav1.CreateOptions{
				FieldManager: fieldManager, FieldValidation: metav1.FieldValidationWarn,
			})
		case err != nil:
			return nil, err
		}
		var result *unstructured.Unstructured
		if annotated {
			result, err = r.patch(ctx, i, live, modified)
		} else {
			// The object is too large for the annotation, so the patch would remove nothing.
			whole := modified.DeepCopy()
			whole.SetResourceVersion(live.GetResourceVersion())
			result, err = i.client.Update(ctx, whole, metav1.UpdateOptions{
				FieldManager: fieldManager, FieldValidation: metav1.FieldValidationWarn,
			})
		}
		if !apierrors.IsConflict(err) || ctx.Err() != nil {
			return result, err
		}
	}
}

// lastApplied returns an object with itself as the annotation of what was applied last, unless it is too large.
func lastApplied(o *unstructured.Unstructured) (annotated *unstructured.Unstructured, ok bool, err error) {
	o = o.DeepCopy()
	annotations := maps.Clone(o.GetAnnotations())
	delete(annotations, v1.LastAppliedConfigAnnotation)
	o.SetAnnotations(annotations)
	text, err := json.Marshal(o)
	if err != nil {
		return nil, false, err
	}
	size := len(v1.LastAppliedConfigAnnotation) + len(text)
	for k, v := range annotations {
		size += len(k) + len(v)
	}
	if size > maxAnnotations {
		return o, false, nil
	}
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[v1.LastAppliedConfigAnnotation] = string(text)
	o.SetAnnotations(annotations)
	return o, true, nil
}

// patch sends the three-way patch, nothing if it is empty.
func (r *run) patch(ctx context.Context, i *item, live, modified *unstructured.Unstructured) (
	*unstructured.Unstructured, error,
) {
	patch, kind, err := threeWay(live, modified)
	if err != nil || string(patch) == "{}" {
		return live, err
	}
	return i.client.Patch(ctx, i.object.GetName(), kind, patch, metav1.PatchOptions{
		FieldManager: fieldManager, FieldValidation: metav1.FieldValidationWarn,
	})
}

// threeWay returns the patch that makes live what modified is, and removes what was applied last and is no longer
// there: a strategic one for built-in kinds, else a merge patch.
func threeWay(live, modified *unstructured.Unstructured) (patch []byte, kind types.PatchType, err error) {
	original := []byte(live.GetAnnotations()[v1.LastAppliedConfigAnnotation])
	current, err := json.Marshal(live)
	if err != nil {
		return nil, "", err
	}
	desired, err := json.Marshal(modified)
	if err != nil {
		return nil, "", err
	}
	if typed, err := scheme.Scheme.New(live.GroupVersionKind()); err == nil {
		lookup, err := strategicpatch.NewPatchMetaFromStruct(typed)
		if err != nil {
			return nil, "", err
		}
		patch, err = strategicpatch.CreateThreeWayMergePatch(original, desired, current, lookup, true)
		return patch, types.StrategicMergePatchType, err
	}
	patch, err = jsonmergepatch.CreateThreeWayJSONMergePatch(original, desired, current)
	return patch, types.MergePatchType, err
}
