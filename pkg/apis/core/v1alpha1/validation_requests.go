// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// ValidateSessionTrigger returns all faults in a SessionTrigger that don't depend on which
// resources exist.
func ValidateSessionTrigger(trigger *SessionTrigger) field.ErrorList {
	at := field.NewPath("spec", "resources")
	if len(trigger.Spec.Resources) == 0 {
		return field.ErrorList{field.Required(at, "must name at least one resource")}
	}
	return validateNotEmpty(trigger.Spec.Resources, at)
}

// ValidateSessionEnable returns all faults in a SessionEnable that don't depend on which
// resources exist.
func ValidateSessionEnable(enable *SessionEnable) field.ErrorList {
	spec, at := &enable.Spec, field.NewPath("spec")
	errs := validateSelection(spec.Resources, spec.Labels, spec.All, at)
	if spec.All && spec.Only {
		errs = append(errs, field.Forbidden(at.Child("only"), "must not be set together with all"))
	}
	return errs
}

// ValidateSessionDisable returns all faults in a SessionDisable that don't depend on which
// resources exist.
func ValidateSessionDisable(disable *SessionDisable) field.ErrorList {
	spec := &disable.Spec
	return validateSelection(spec.Resources, spec.Labels, spec.All, field.NewPath("spec"))
}

// ValidateSessionArgs returns all faults in SessionArgs. It refuses a missing list, which
// is more often a mistake than a request to remove all arguments.
func ValidateSessionArgs(args *SessionArgs) field.ErrorList {
	at := field.NewPath("spec", "args")
	if args.Spec.Args == nil {
		return field.ErrorList{field.Required(at, "must be set; use an empty list for no arguments")}
	}
	return validateArgs(args.Spec.Args, at)
}

func validateSelection(resources, labels []string, all bool, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	if !all && len(resources) == 0 && len(labels) == 0 {
		errs = append(errs, field.Required(at, "at least one of resources, labels and all must be set"))
	}
	if all && len(resources) > 0 {
		errs = append(errs, field.Forbidden(at.Child("resources"), "must not be set together with all"))
	}
	if all && len(labels) > 0 {
		errs = append(errs, field.Forbidden(at.Child("labels"), "must not be set together with all"))
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

// ValidateSessionLogOptions returns all faults in options that don't depend on which
// resources exist.
func ValidateSessionLogOptions(options *SessionLogOptions) field.ErrorList {
	errs := validateNotEmpty(options.Resources, field.NewPath("resources"))
	errs = append(errs, validateAtLeast(options.SinceSeconds, 1, field.NewPath("sinceSeconds"))...)
	errs = append(errs, validateAtLeast(options.TailLines, 0, field.NewPath("tailLines"))...)
	errs = append(errs, validateAtLeast(options.LimitBytes, 1, field.NewPath("limitBytes"))...)
	if options.SinceTime != nil {
		errs = append(errs, validateTime(options.SinceTime.Time, field.NewPath("sinceTime"))...)
	}
	if options.SinceSeconds != nil && options.SinceTime != nil {
		errs = append(errs, field.Forbidden(field.NewPath("sinceTime"), "must not be set together with sinceSeconds"))
	}
	if options.Format != "" {
		errs = append(errs, validateEnum(options.Format, field.NewPath("format"), SessionLogFormatText, SessionLogFormatJSON)...)
	}
	return errs
}

func validateAtLeast(value *int64, least int64, at *field.Path) field.ErrorList {
	if value == nil || *value >= least {
		return nil
	}
	if least == 0 {
		return field.ErrorList{field.Invalid(at, *value, "must not be negative")}
	}
	return field.ErrorList{field.Invalid(at, *value, fmt.Sprintf("must be at least %d", least))}
}
