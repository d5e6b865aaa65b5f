// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// fencedUpdate is an update of the status that keeps the rules of claims. A write of a Runner that has lost its claim
// is a conflict, so that it changes nothing whenever it arrives.
type fencedUpdate struct{ rest.UpdatedObjectInfo }

// UpdatedObject merges a request with the stored Session.
func (u fencedUpdate) UpdatedObject(ctx context.Context, old runtime.Object) (runtime.Object, error) {
	obj, err := u.UpdatedObjectInfo.UpdatedObject(ctx, old)
	if err != nil {
		return nil, err
	}
	session, stored := obj.(*v1alpha1.Session), old.(*v1alpha1.Session)
	if err := checkClaim(session, stored); err != nil {
		return nil, conflict(stored.Name, err)
	}
	return obj, nil
}

// checkClaim returns why a status may not be written because of its claim. A claim is made where there is none, kept by
// every write of its holder, and removed, but never replaced. Making one changes nothing else, so a Runner can't write
// what it knows of a run whose claim it has lost. The finalizer holds off the next claim until nothing of the last run
// is left, also if another client than the holder removes the claim.
func checkClaim(session, stored *v1alpha1.Session) error {
	claim, held := session.Status.Runner, stored.Status.Runner
	switch {
	case claim == nil:
		return nil
	case held != nil && (claim.UID != held.UID || claim.Name != held.Name):
		return fmt.Errorf("it is claimed by runner %q (UID %s), not by runner %q (UID %s)",
			held.Name, held.UID, claim.Name, claim.UID)
	case held != nil:
		return nil
	case stored.Status.Done:
		return errDone
	case stored.DeletionTimestamp != nil:
		return errors.New("it's being deleted")
	case slices.Contains(stored.Finalizers, v1alpha1.Finalizer):
		return errors.New("its last run has not ended")
	case session.ResourceVersion == "":
		return errors.New("a claim requires the metadata.resourceVersion that was read")
	case !apiequality.Semantic.DeepEqual(unclaimed(session), unclaimed(stored)):
		return fmt.Errorf("runner %q (UID %s) has no claim to it, and making one must change nothing else in the status",
			claim.Name, claim.UID)
	}
	return nil
}

// unclaimed is the status without what a claim changes.
func unclaimed(session *v1alpha1.Session) v1alpha1.SessionStatus {
	status := session.Status
	status.Runner, status.Conditions = nil, nil
	v1alpha1.SetDefaults_SessionStatus(&status)
	return status
}
