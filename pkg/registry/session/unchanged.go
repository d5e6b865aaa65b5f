// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"reflect"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// alignWithStored lets the store see whether a write changes more than the times in
// managedFields, which an apply always sets: it compares both Sessions as Go
// values, and managedFields entry by entry. A stored Session has its kind, which
// an applied one lacks, and no selfLink; and an apply moves its manager's entry
// behind those of others.
//
// Upstream: IgnoreManagedFieldsTimestampsTransformer compares entries in their
// order, v0.36; remove the sorting when it doesn't.
func alignWithStored(session, previous *v1alpha1.Session) {
	session.TypeMeta = previous.TypeMeta
	session.SetSelfLink("")
	if sorted, same := inOrderOf(previous.ManagedFields, session.ManagedFields); same {
		session.ManagedFields = sorted
	}
}

// inOrderOf returns entries in the order of others, if they are the same but for
// their times.
func inOrderOf(others, entries []metav1.ManagedFieldsEntry) ([]metav1.ManagedFieldsEntry, bool) {
	if len(entries) == 0 || len(others) != len(entries) {
		return nil, false
	}
	sorted := make([]metav1.ManagedFieldsEntry, 0, len(entries))
	for _, other := range others {
		i := slices.IndexFunc(entries, func(entry metav1.ManagedFieldsEntry) bool {
			entry.Time = other.Time
			return reflect.DeepEqual(entry, other)
		})
		if i < 0 {
			return nil, false
		}
		sorted = append(sorted, entries[i])
	}
	return sorted, true
}
