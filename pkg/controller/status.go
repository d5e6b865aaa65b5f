// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/generated/clientset/versioned/scheme"
	"tilt.dev/session/pkg/session"
)

const (
	// An API server takes no request of more than 3 MiB, of which little goes to
	// what isn't status, and some storage takes less. The limit is not known, so that a
	// status that's refused as too large is made half as large, but no smaller than
	// minStatus.
	maxStatus = 3<<20 - 8<<10
	minStatus = 32 << 10
	// A write takes no longer than writeTimeout, and no longer than minWriteTimeout
	// if there may be a verdict by then.
	writeTimeout    = 5 * time.Second
	minWriteTimeout = time.Second
)

// updateStatus stores status unless it's stored already. While the Session is
// missing the run remembers it.
func (c *Controller) updateStatus(ctx context.Context, r *run, status v1alpha1.SessionStatus) error {
	if r.missing {
		r.unstored = &status
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.writeTimeout(r))
	defer cancel()
	begin := c.config.Clock.Now()
	stored, err := c.storeStatus(ctx, r.session, status, &r.limit)
	if err != nil {
		return err
	}
	if stored != nil {
		r.pace.wrote(begin, c.config.Clock.Now())
		r.session = stored
	}
	r.unstored = nil
	return nil
}

// writeTimeout is how long a write for a run may take.
func (c *Controller) writeTimeout(r *run) time.Duration {
	now := c.config.Clock.Now()
	switch {
	case r.done, r.verdict == nil && r.next.IsZero():
		return writeTimeout
	case r.verdict != nil:
		return max(r.overdue(now), minWriteTimeout)
	default:
		return min(writeTimeout, max(r.next.Sub(now), minWriteTimeout))
	}
}

// storeStatus stores the status of a Session unless it's stored already, and
// returns what's stored then, nil if that was before. What its storage refuses as
// too large is made smaller; limit is what it's known to take, 0 if that isn't
// known.
func (c *Controller) storeStatus(ctx context.Context, current *v1alpha1.Session, status v1alpha1.SessionStatus, limit *int) (*v1alpha1.Session, error) {
	status.Conditions = session.KeepForeign(status.Conditions, current.Status.Conditions)
	for {
		fitting := session.Fit(status, *limit, current, c.config.Clock.Now())
		if equality.Semantic.DeepEqual(fitting, current.Status) {
			return nil, nil
		}
		stored, err := c.writeStatus(ctx, current, fitting)
		switch {
		case err == nil:
			return stored, nil
		case !apierrors.IsRequestEntityTooLargeError(err) || *limit == minStatus:
			return nil, fmt.Errorf("writing the status: %w", err)
		default:
			*limit = lower(*limit, session.Size(fitting))
		}
	}
}

// lower is a limit that a status of size bytes, which was refused as too large,
// doesn't keep.
func lower(limit, size int) int {
	if limit == 0 && size > maxStatus {
		return maxStatus
	}
	return max(size/2, minStatus)
}

// writeStatus replaces the status of a stored Session and returns what's stored
// then. What the server is asked for costs it less where the status is long: to
// answer with metadata alone, since the writer knows the rest, and not to look
// for unknown fields, of which a typed client has none.
func (c *Controller) writeStatus(ctx context.Context, stored *v1alpha1.Session, status v1alpha1.SessionStatus) (*v1alpha1.Session, error) {
	// The rest can't be changed this way, so that it needn't be sent.
	sent := &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{Name: stored.Name, UID: stored.UID, ResourceVersion: stored.ResourceVersion},
		Status:     status,
	}
	answer := &metav1.PartialObjectMetadata{}
	err := c.rest.Put().Resource("sessions").Name(stored.Name).SubResource("status").
		VersionedParams(&metav1.UpdateOptions{
			FieldManager:    FieldManager,
			FieldValidation: metav1.FieldValidationIgnore,
		}, scheme.ParameterCodec).
		SetHeader("Accept", "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io").
		Body(sent).Do(ctx).Into(answer)
	if err != nil {
		return nil, err
	}
	changed := *stored
	changed.ObjectMeta, changed.Status = answer.ObjectMeta, status
	return &changed, nil
}

// final tells whether a write was refused for what's in it, so that it's no use
// to repeat it.
func final(err error) bool {
	return apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsRequestEntityTooLargeError(err)
}

// superseded tells whether a write was refused because something else is stored
// by now.
func superseded(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsNotFound(err) || apierrors.IsAlreadyExists(err)
}
