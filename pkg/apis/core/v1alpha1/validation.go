// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// ValidateSession returns everything that is wrong with the metadata and the
// spec of a new Session. A name may be any that fits into a URL path and isn't
// longer than maxNameLength.
func ValidateSession(session *Session) field.ErrorList {
	metadata := field.NewPath("metadata")
	errs := validation.ValidateObjectMeta(&session.ObjectMeta, false, validateName, metadata)
	errs = append(errs, validateMetadataTimes(&session.ObjectMeta, metadata)...)
	return append(errs, validateSpec(&session.Spec, field.NewPath("spec"))...)
}

// ValidateSessionUpdate returns everything that is wrong with a Session that
// replaces old. The rules for the spec are those for a new one. What an API
// server checks in metadata on every update by itself is left to it, or each
// mistake would be reported twice.
func ValidateSessionUpdate(session, _ *Session) field.ErrorList {
	errs := validateMetadataTimes(&session.ObjectMeta, field.NewPath("metadata"))
	return append(errs, validateSpec(&session.Spec, field.NewPath("spec"))...)
}

// maxNameLength is how many bytes a name may have, so that every storage takes
// the key that it's a part of.
const maxNameLength = 1024

// validateName needn't look at the length of a prefix, of which only as much is
// taken as fits.
func validateName(name string, prefix bool) []string {
	if prefix {
		return content.IsPathSegmentPrefix(name)
	}
	problems := content.IsPathSegmentName(name)
	if len(name) > maxNameLength {
		problems = append(problems, fmt.Sprintf("must be no more than %d bytes", maxNameLength))
	}
	return problems
}

func validateSpec(spec *SessionSpec, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	if spec.TiltfilePath == "" {
		errs = append(errs, field.Required(at.Child("tiltfilePath"), "cannot be empty"))
	}
	if err := validateEnum(spec.ExitCondition, at.Child("exitCondition"), ExitConditionManual, ExitConditionCI); err != nil {
		errs = append(errs, err)
	}
	if spec.CI != nil {
		errs = append(errs, validateCI(spec.CI, at.Child("ci"))...)
	}
	return errs
}

func validateCI(ci *SessionCISpec, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, limit := range []struct {
		name  string
		value *metav1.Duration
	}{
		{"timeout", ci.Timeout},
		{"readinessTimeout", ci.ReadinessTimeout},
		{"k8sGracePeriod", ci.K8sGracePeriod},
	} {
		if limit.value != nil && limit.value.Duration < 0 {
			errs = append(errs, field.Invalid(at.Child(limit.name), limit.value.Duration.String(), "must not be negative"))
		}
	}
	return errs
}
