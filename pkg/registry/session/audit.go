// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/registry/rest"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// The annotations by which an audit event of an update tells what the update
// has led to. One is there only if it applies, and none on a dry run.
const (
	// auditUnchanged is "true" if there was nothing to change, so that nothing
	// was stored and no watch has seen an event.
	auditUnchanged = "session.tilt.dev/unchanged"
	// auditGeneration is the new generation if the spec has changed.
	auditGeneration = "session.tilt.dev/generation"
	// auditState is the state that tables show before and after the update, such
	// as "Running -> Failed", if that has changed.
	auditState = "session.tilt.dev/state"
	// auditDeleted is "true" if the update has ended a deletion, by dropping the
	// last finalizer.
	auditDeleted = "session.tilt.dev/deleted"
)

// audited is an update whose outcome the audit log may be told.
type audited struct {
	rest.UpdatedObjectInfo
	// before is what the update was last computed from.
	before summary
}

var _ rest.UpdatedObjectInfo = (*audited)(nil)

// summary is of a Session what outcomes are told from. Nothing more is kept,
// because it's kept of each update: whether there's an audit log can't be seen
// from here.
type summary struct {
	resourceVersion string
	generation      int64
	state           string
}

func summaryOf(session *v1alpha1.Session) summary {
	return summary{session.ResourceVersion, session.Generation, stateOf(session)}
}

// UpdatedObject is called once more each time that the store finds a newer
// Session than the one it had: what counts is the last call.
func (a *audited) UpdatedObject(ctx context.Context, old runtime.Object) (runtime.Object, error) {
	a.before = summaryOf(old.(*v1alpha1.Session))
	return a.UpdatedObjectInfo.UpdatedObject(ctx, old)
}

// withAudit runs an update and annotates the audit event of its request.
func withAudit(ctx context.Context, updated rest.UpdatedObjectInfo, options *metav1.UpdateOptions,
	update func(rest.UpdatedObjectInfo) (runtime.Object, bool, error)) (runtime.Object, bool, error) {
	observed := &audited{UpdatedObjectInfo: updated}
	obj, created, err := update(observed)
	if err == nil && !created && len(options.DryRun) == 0 {
		annotate(ctx, observed.before, obj.(*v1alpha1.Session))
	}
	return obj, created, err
}

func annotate(ctx context.Context, before summary, session *v1alpha1.Session) {
	after := summaryOf(session)
	switch {
	case session.DeletionTimestamp != nil && len(session.Finalizers) == 0:
		audit.AddAuditAnnotation(ctx, auditDeleted, "true")
	case after.resourceVersion == before.resourceVersion:
		audit.AddAuditAnnotation(ctx, auditUnchanged, "true")
	}
	if after.generation != before.generation {
		audit.AddAuditAnnotation(ctx, auditGeneration, strconv.FormatInt(after.generation, 10))
	}
	if after.state != before.state {
		audit.AddAuditAnnotation(ctx, auditState, before.state+" -> "+after.state)
	}
}
