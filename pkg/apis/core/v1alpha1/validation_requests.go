// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// ValidateSessionTrigger returns everything that is wrong with a SessionTrigger
// whatever resources there are.
func ValidateSessionTrigger(trigger *SessionTrigger) field.ErrorList {
	at := field.NewPath("spec", "resources")
	if len(trigger.Spec.Resources) == 0 {
		return field.ErrorList{field.Required(at, "must name at least one resource")}
	}
	return validateNotEmpty(trigger.Spec.Resources, at)
}

// ValidateSessionEnable returns everything that is wrong with a SessionEnable
// whatever resources there are.
func ValidateSessionEnable(enable *SessionEnable) field.ErrorList {
	spec, at := &enable.Spec, field.NewPath("spec")
	errs := validateSelection(spec.Resources, spec.Labels, spec.All, at)
	if spec.All && spec.Only {
		errs = append(errs, field.Forbidden(at.Child("only"), "must not be set beside all"))
	}
	return errs
}

// ValidateSessionDisable returns everything that is wrong with a SessionDisable
// whatever resources there are.
func ValidateSessionDisable(disable *SessionDisable) field.ErrorList {
	spec := &disable.Spec
	return validateSelection(spec.Resources, spec.Labels, spec.All, field.NewPath("spec"))
}

// ValidateSessionArgs returns everything that is wrong with SessionArgs. A list
// that isn't there is refused: it's more often a mistake than the wish that
// there be no arguments any more.
func ValidateSessionArgs(args *SessionArgs) field.ErrorList {
	if args.Spec.Args == nil {
		return field.ErrorList{field.Required(field.NewPath("spec", "args"), "must be set, to an empty list if there are none")}
	}
	return nil
}

func validateSelection(resources, labels []string, all bool, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	if !all && len(resources) == 0 && len(labels) == 0 {
		errs = append(errs, field.Required(at, "at least one of resources, labels and all must be set"))
	}
	if all && len(resources) > 0 {
		errs = append(errs, field.Forbidden(at.Child("resources"), "must not be set beside all"))
	}
	if all && len(labels) > 0 {
		errs = append(errs, field.Forbidden(at.Child("labels"), "must not be set beside all"))
	}
	errs = append(errs, validateNotEmpty(resources, at.Child("resources"))...)
	return append(errs, validateNotEmpty(labels, at.Child("labels"))...)
}

func validateNotEmpty(names []string, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, name := range names {
		if name == "" {
			errs = append(errs, field.Required(at.Index(i), "must not be empty"))
		}
	}
	return errs
}
