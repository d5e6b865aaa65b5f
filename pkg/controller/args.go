// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/session"
)

// followArgs applies the annotation with the arguments to the run when it has
// changed.
func (r *run) followArgs(ctx context.Context) error {
	value := r.session.Annotations[v1alpha1.AnnotationArgs]
	if value == r.args {
		return nil
	}
	args, err := session.Args(r.session)
	if err != nil {
		return err
	}
	if _, err := r.control.SetArgs(ctx, args); err != nil {
		return fmt.Errorf("changing the arguments: %w", err)
	}
	r.args = value
	return nil
}

// keepArgs stores arguments that act already.
type keepArgs func(ctx context.Context, args []string) error

// keepArgs is that of a Session: it writes the annotation. What's written last is
// followed in the end, so that it's always the annotation that tells the truth.
func (c *Controller) keepArgs(s *v1alpha1.Session) keepArgs {
	name, uid := s.Name, s.UID
	return func(ctx context.Context, args []string) error {
		patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
			"uid":         uid,
			"annotations": map[string]string{v1alpha1.AnnotationArgs: session.FormatArgs(args)},
		}})
		if err != nil {
			return err
		}
		_, err = c.client.Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: FieldManager})
		return err
	}
}
