// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// held tells whether a deletion of the Session waits for the end of its run.
func held(s *v1alpha1.Session) bool { return slices.Contains(s.Finalizers, v1alpha1.Finalizer) }

// hold has a deletion of the Session wait, and returns what's stored then.
func (c *Controller) hold(ctx context.Context, s *v1alpha1.Session) (*v1alpha1.Session, error) {
	if held(s) {
		return s, nil
	}
	stored, err := c.patchFinalizers(ctx, s, append(slices.Clone(s.Finalizers), v1alpha1.Finalizer))
	if err != nil {
		return nil, fmt.Errorf("adding the finalizer: %w", err)
	}
	return stored, nil
}

// release lets the Session be deleted, and tells whether it wasn't before.
func (c *Controller) release(ctx context.Context, s *v1alpha1.Session) (released bool, err error) {
	if !held(s) {
		return false, nil
	}
	others := slices.DeleteFunc(slices.Clone(s.Finalizers), func(name string) bool { return name == v1alpha1.Finalizer })
	if _, err := c.patchFinalizers(ctx, s, others); err != nil {
		return false, fmt.Errorf("removing the finalizer: %w", err)
	}
	return true, nil
}

// patchFinalizers replaces the finalizers of the Session as long as it's stored
// as s.
func (c *Controller) patchFinalizers(ctx context.Context, s *v1alpha1.Session, finalizers []string) (*v1alpha1.Session, error) {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"resourceVersion": s.ResourceVersion,
		"finalizers":      finalizers,
	}})
	if err != nil {
		return nil, err
	}
	return c.client.Patch(ctx, s.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: FieldManager})
}

// outdated drops the error of a write that was of what isn't stored any more:
// the watch is about to tell what is, and everything is decided anew then.
func outdated(err error) error {
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
