// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// validateTime refuses a time that can be read but not read again once it's
// written: times are written in UTC, and there an offset can move one out of
// the four digits that a year has. Such an object could be stored, but from then
// on nobody could get or list it.
func validateTime(t time.Time, at *field.Path) field.ErrorList {
	if year := t.UTC().Year(); year < 0 || year > 9999 {
		return field.ErrorList{field.Invalid(at, t.String(), "must be between the years 0000 and 9999 in UTC")}
	}
	return nil
}

func validateMetadataTimes(metadata *metav1.ObjectMeta, at *field.Path) field.ErrorList {
	errs := validateTime(metadata.CreationTimestamp.Time, at.Child("creationTimestamp"))
	if deletion := metadata.DeletionTimestamp; deletion != nil {
		errs = append(errs, validateTime(deletion.Time, at.Child("deletionTimestamp"))...)
	}
	for i, entry := range metadata.ManagedFields {
		if entry.Time != nil {
			errs = append(errs, validateTime(entry.Time.Time, at.Child("managedFields").Index(i).Child("time"))...)
		}
	}
	return errs
}
