// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/generated/clientset/versioned/scheme"
	"tilt.dev/session/pkg/session"
)

// maxConflicts is how many conflicts in a row a run takes for those of a busy Session, of which each snapshot is
// still published. After more it counts as failing.
const maxConflicts = 20

// publish writes the status that follows from the next snapshot of a run, or its verdict, and makes sure that the
// run is reconciled again in time. While writes fail it looks at the newest snapshot instead of the next.
func (c *Controller) publish(ctx context.Context, r *run) error {
	if r.verdict != nil && !equality.Semantic.DeepEqual(r.verdict.spec, r.session.Spec) {
		r.verdict = nil // It follows from another spec.
	}
	if r.verdict != nil {
		return c.storeVerdict(ctx, r)
	}
	if r.failing {
		r.backlog.skip()
	}
	snap := r.backlog.head()
	switch {
	case snap == nil:
		return nil
	case snap.Tiltfile.Path != r.tiltfile:
		c.published(r) // It is of the previous Tiltfile.
		return nil
	}
	if many(snap) {
		begin := c.config.Clock.Now()
		due := !r.next.IsZero() && !begin.Before(r.next)
		admitted, rest := c.admission.beginWrite(r, begin, due || session.MayEnd(snap, r.session))
		if !admitted {
			if rest > 0 {
				c.queue.AddAfter(r.name, rest)
			}
			return nil
		}
		defer func() { c.enqueue(c.admission.endWrite(r, begin, c.config.Clock.Now())) }()
	}

	status, next := c.status(r, snap)
	if status.Done {
		if r.verdict, next = c.confirm(ctx, r, snap, status); r.verdict != nil {
			return c.storeVerdict(ctx, r)
		}
		status = session.Undecidedly(snap, r.undecided(), c.config.Clock.Now())
	}
	r.next = next
	if !next.IsZero() {
		c.queue.AddAfter(r.name, next.Sub(c.config.Clock.Now()))
	}
	if r.refused == snap {
		return nil
	}
	switch err := c.updateStatus(ctx, r, status); {
	case err == nil:
	case final(err):
		klog.FromContext(ctx).Error(err, "The status of a Session can't be stored", "session", r.name)
		r.refused = snap
	default:
		if outdated(err) {
			r.conflicts++
		}
		r.failing = !outdated(err) || r.conflicts > maxConflicts
		if outdated(err) {
			return errors.Join(c.keepClaim(ctx, r), err)
		}
		return err
	}
	r.failing, r.conflicts = false, 0
	recordMetrics(r.name, status)
	c.published(r)
	return nil
}

// published goes on to the next snapshot.
func (c *Controller) published(r *run) {
	if r.backlog.done() {
		c.queue.Add(r.name)
	}
}

// status returns the status that follows from a snapshot, and when to look again.
func (c *Controller) status(r *run, snap *engine.Snapshot) (v1alpha1.SessionStatus, time.Time) {
	return session.Status(snap, r.undecided(), c.config.Clock.Now())
}

// undecided is the Session as its next status continues it. A foreign writer of the status does not decide whether
// it is done.
func (r *run) undecided() *v1alpha1.Session {
	undecided := *r.session
	undecided.Status.Done = false
	return &undecided
}

// lastStatus is the status of the newest snapshot, without a verdict.
func (c *Controller) lastStatus(r *run) v1alpha1.SessionStatus {
	if snap := r.control.Snapshot(); snap.Tiltfile.Path == r.tiltfile {
		return session.Undecidedly(snap, r.undecided(), c.config.Clock.Now())
	}
	status := r.session.Status
	status.Done = false
	return status
}

// StatusWriter writes the status of Sessions. It may be called concurrently.
type StatusWriter interface {
	// WriteStatus replaces the status of a Session as long as it is stored as stored, and returns what is stored
	// then. Its errors are those of the API.
	WriteStatus(ctx context.Context, stored *v1alpha1.Session, status v1alpha1.SessionStatus) (*v1alpha1.Session, error)
}

const (
	// An API server takes no request of more than 3 MiB, of which little goes to what isn't status, and some
	// storage takes less. The limit is not known, so a status that is refused as too large is made half as large,
	// but no smaller than minStatus.
	maxStatus = 3<<20 - 8<<10
	minStatus = 32 << 10
	// A write takes no longer than writeTimeout, and no longer than minWriteTimeout if there may be a verdict by
	// then.
	writeTimeout    = 5 * time.Second
	minWriteTimeout = time.Second
)

// restStatusWriter writes through the API.
type restStatusWriter struct{ client rest.Interface }

var _ StatusWriter = restStatusWriter{}

// WriteStatus implements StatusWriter. It spares the server what is expensive for a long status: the answer has
// metadata alone, since the writer knows the rest, and the server does not look for unknown fields, which a typed
// client does not send.
func (w restStatusWriter) WriteStatus(
	ctx context.Context, stored *v1alpha1.Session, status v1alpha1.SessionStatus,
) (*v1alpha1.Session, error) {
	// A write of the status ignores the rest of the object.
	sent := &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{Name: stored.Name, UID: stored.UID, ResourceVersion: stored.ResourceVersion},
		Status:     status,
	}
	answer := &metav1.PartialObjectMetadata{}
	err := w.client.Put().Resource("sessions").Name(stored.Name).SubResource("status").
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

// updateStatus stores the status of a run unless it is stored already.
func (c *Controller) updateStatus(ctx context.Context, r *run, status v1alpha1.SessionStatus) error {
	ctx, cancel := context.WithTimeout(ctx, c.writeTimeout(r))
	defer cancel()
	stored, err := c.storeStatus(ctx, r.session, status, &r.limit)
	if stored != nil {
		r.session = stored
	}
	return err
}

func (c *Controller) writeTimeout(r *run) time.Duration {
	now := c.config.Clock.Now()
	switch {
	case r.concluded, r.verdict == nil && r.next.IsZero():
		return writeTimeout
	case r.verdict != nil:
		return max(r.verdict.patience(now), minWriteTimeout)
	default:
		return min(writeTimeout, max(r.next.Sub(now), minWriteTimeout))
	}
}

// storeStatus stores the status of a Session unless it is stored already, and returns what is stored then, nil if
// nothing was written. A status that the storage refuses as too large is made smaller; limit is what the storage is
// known to take, 0 if that is not known.
func (c *Controller) storeStatus(
	ctx context.Context,
	current *v1alpha1.Session,
	status v1alpha1.SessionStatus,
	limit *int,
) (*v1alpha1.Session, error) {
	status.Conditions = session.KeepForeign(status.Conditions, current.Status.Conditions)
	for {
		fitting := session.Fit(status, *limit, current, c.config.Clock.Now())
		if equality.Semantic.DeepEqual(fitting, current.Status) {
			return nil, nil
		}
		stored, err := c.config.StatusWriter.WriteStatus(ctx, current, fitting)
		switch {
		case err == nil:
			return stored, nil
		case !apierrors.IsRequestEntityTooLargeError(err) || *limit == minStatus:
			return nil, fmt.Errorf("write the status: %w", err)
		default:
			*limit = lower(*limit, session.Size(fitting))
		}
	}
}

// lower returns a limit that a status of size bytes, which was refused as too large, does not keep.
func lower(limit, size int) int {
	if limit == 0 && size > maxStatus {
		return maxStatus
	}
	return max(size/2, minStatus)
}

// final reports whether a write was refused for its content, so that it would be refused again.
func final(err error) bool {
	return apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsRequestEntityTooLargeError(err)
}

// outdated reports whether a write was refused because the Session has changed or is gone. The watch is about to
// report that.
func outdated(err error) bool { return apierrors.IsConflict(err) || apierrors.IsNotFound(err) }
