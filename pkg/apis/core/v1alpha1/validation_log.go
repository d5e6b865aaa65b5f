// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// ValidateSessionLogOptions returns everything that is wrong with options
// whatever resources there are.
func ValidateSessionLogOptions(options *SessionLogOptions) field.ErrorList {
	errs := validateNotEmpty(options.Resources, field.NewPath("resources"))
	errs = append(errs, validateAtLeast(options.SinceSeconds, 1, field.NewPath("sinceSeconds"))...)
	errs = append(errs, validateAtLeast(options.TailLines, 0, field.NewPath("tailLines"))...)
	errs = append(errs, validateAtLeast(options.LimitBytes, 1, field.NewPath("limitBytes"))...)
	if options.SinceTime != nil {
		errs = append(errs, validateTime(options.SinceTime.Time, field.NewPath("sinceTime"))...)
	}
	if options.SinceSeconds != nil && options.SinceTime != nil {
		errs = append(errs, field.Forbidden(field.NewPath("sinceTime"), "must not be set beside sinceSeconds"))
	}
	if options.Format != "" {
		if err := validateEnum(options.Format, field.NewPath("format"), SessionLogFormatText, SessionLogFormatJSON); err != nil {
			errs = append(errs, err)
		}
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
	return field.ErrorList{field.Invalid(at, *value, "must be at least 1")}
}
