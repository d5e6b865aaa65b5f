// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"fmt"
	"regexp/syntax"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// ValidateSessionLogOptions returns all faults in options that don't depend on which
// resources exist.
func ValidateSessionLogOptions(options *SessionLogOptions) field.ErrorList {
	errs := validateNotEmpty(options.Resources, field.NewPath("resources"))
	errs = append(errs, validateAtLeast(options.SinceSeconds, 1, field.NewPath("sinceSeconds"))...)
	errs = append(errs, validateAtLeast(options.TailLines, 0, field.NewPath("tailLines"))...)
	errs = append(errs, validateAtLeast(options.SinceSeq, 0, field.NewPath("sinceSeq"))...)
	errs = append(errs, validateAtLeast(options.BeforeSeq, 1, field.NewPath("beforeSeq"))...)
	errs = append(errs, validateAtLeast(options.LimitLines, 1, field.NewPath("limitLines"))...)
	errs = append(errs, validateAtLeast(options.LimitBytes, 1, field.NewPath("limitBytes"))...)
	if options.SinceTime != nil {
		errs = append(errs, validateTime(options.SinceTime.Time, field.NewPath("sinceTime"))...)
	}
	if options.SinceSeconds != nil && options.SinceTime != nil {
		errs = append(errs, field.Forbidden(field.NewPath("sinceTime"), "must not be set together with sinceSeconds"))
	}
	if options.BeforeSeq != nil && options.Follow {
		errs = append(errs, field.Forbidden(field.NewPath("beforeSeq"), "must not be set together with follow"))
	}
	errs = append(errs, validateGrep(options.Grep, field.NewPath("grep"))...)
	if options.Level != "" {
		errs = append(errs, validateEnum(options.Level, field.NewPath("level"),
			SessionLogLevelInfo, SessionLogLevelWarn, SessionLogLevelError)...)
	}
	if options.Format != "" {
		at := field.NewPath("format")
		errs = append(errs, validateEnum(options.Format, at, SessionLogFormatText, SessionLogFormatJSON)...)
	}
	return errs
}

// maxGrepSteps limits how long a line takes: an expression of few bytes with repetitions could keep a processor busy
// for hours.
const maxGrepSteps = 2048

func validateGrep(expression string, at *field.Path) field.ErrorList {
	if len(expression) > MaxSessionLogGrep {
		return field.ErrorList{field.TooLong(at, "", MaxSessionLogGrep)}
	}
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return field.ErrorList{field.Invalid(at, expression, err.Error())}
	}
	switch program, err := syntax.Compile(parsed.Simplify()); {
	case err != nil:
		return field.ErrorList{field.Invalid(at, expression, err.Error())}
	case len(program.Inst) > maxGrepSteps:
		return field.ErrorList{field.Invalid(at, expression, "repeats too much: each byte of the log may take "+
			fmt.Sprintf("%d steps, and at most %d are allowed", len(program.Inst), maxGrepSteps))}
	}
	return nil
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
