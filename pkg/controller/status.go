// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/generated/clientset/versioned/scheme"
	"tilt.dev/session/pkg/session"
)

// updateStatus stores status unless it's stored already. While the Session is
// missing the run remembers it.
func (c *Controller) updateStatus(ctx context.Context, r *run, status v1alpha1.SessionStatus) error {
	if r.missing {
		r.unstored = &status
		return nil
	}
	if !equality.Semantic.DeepEqual(status, r.session.Status) {
		begin := c.config.Clock.Now()
		stored, err := c.writeStatus(ctx, r.session, status)
		if err != nil {
			return fmt.Errorf("writing the status: %w", err)
		}
		r.pace.wrote(begin, c.config.Clock.Now())
		r.session = stored
	}
	r.unstored = nil
	if status.Done {
		r.done = true
		countVerdict(session.VerdictOf(status))
		c.queue.Add(r.name)
		klog.FromContext(ctx).V(2).Info("Session is done", "session", r.name, "verdict", session.VerdictOf(status))
	}
	return nil
}

// writeStatus replaces the status of a stored Session and returns what's stored
// then. What the server is asked for costs it less where the status is long: to
// answer with metadata alone, since the writer knows the rest, and not to look
// for unknown fields, of which a typed client has none.
func (c *Controller) writeStatus(ctx context.Context, stored *v1alpha1.Session, status v1alpha1.SessionStatus) (*v1alpha1.Session, error) {
	changed := *stored
	changed.Status = status
	changed.ManagedFields = nil // they can't be changed this way, so needn't be sent
	answer := &metav1.PartialObjectMetadata{}
	err := c.rest.Put().Resource("sessions").Name(stored.Name).SubResource("status").
		VersionedParams(&metav1.UpdateOptions{
			FieldManager:    FieldManager,
			FieldValidation: metav1.FieldValidationIgnore,
		}, scheme.ParameterCodec).
		SetHeader("Accept", "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io").
		Body(&changed).Do(ctx).Into(answer)
	if err != nil {
		return nil, err
	}
	changed.ObjectMeta = answer.ObjectMeta
	return &changed, nil
}
