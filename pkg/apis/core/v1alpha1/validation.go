// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// ValidateSession returns all faults in the metadata and the spec of a new Session. A
// name is valid if it is a segment of a URL path of at most maxNameLength bytes.
func ValidateSession(session *Session) field.ErrorList {
	metadata := field.NewPath("metadata")
	errs := validation.ValidateObjectMeta(&session.ObjectMeta, false, validateName, metadata)
	errs = append(errs, validateMetadataTimes(&session.ObjectMeta, metadata)...)
	return append(errs, validateSpec(&session.Spec, field.NewPath("spec"))...)
}

// ValidateSessionUpdate returns all faults in the metadata and the spec of a Session
// that replaces another one. The rules for the spec are those for a new one. It omits
// the checks of metadata that an API server does on every update, or each fault would
// be reported twice.
func ValidateSessionUpdate(session, _ *Session) field.ErrorList {
	errs := validateMetadataTimes(&session.ObjectMeta, field.NewPath("metadata"))
	return append(errs, validateSpec(&session.Spec, field.NewPath("spec"))...)
}

// maxNameLength is how many bytes a name may have, so that every storage accepts the
// key that contains it.
const maxNameLength = 1024

// validateName ignores the length of a prefix, which name generation shortens.
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
	errs = append(errs,
		validateEnum(spec.ExitCondition, at.Child("exitCondition"), ExitConditionManual, ExitConditionCI)...)
	if spec.CI != nil {
		errs = append(errs, validateCI(spec.CI, at.Child("ci"))...)
	}
	errs = append(errs, validateArgs(spec.Args, at.Child("args"))...)
	if ttl := spec.TTLSecondsAfterFinished; ttl != nil && *ttl < 0 {
		errs = append(errs, field.Invalid(at.Child("ttlSecondsAfterFinished"), *ttl, "must not be negative"))
	}
	return append(errs, metav1validation.ValidateLabels(spec.RunnerSelector, at.Child("runnerSelector"))...)
}

// maxArgsLength is how many bytes the arguments of a Session may have together, so
// that they leave room in every storage for the status.
const maxArgsLength = 256 << 10

func validateArgs(args []string, at *field.Path) field.ErrorList {
	length := 0
	for _, arg := range args {
		length += len(arg)
	}
	if length > maxArgsLength {
		return field.ErrorList{field.TooLong(at, "", maxArgsLength)}
	}
	return nil
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

// validateTime refuses a time that can be decoded but not decoded again once it is
// encoded: times are encoded in UTC, where an offset can move the year out of four
// digits. Such an object could be stored, but not be read or listed afterwards.
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

// validateEnum returns nil if value is one of valid, else an error that names them.
func validateEnum[T ~string](value T, at *field.Path, valid ...T) field.ErrorList {
	if slices.Contains(valid, value) {
		return nil
	}
	names := make([]string, len(valid))
	for i, v := range valid {
		names[i] = string(v)
	}
	detail := "valid values: " + strings.Join(names, ", ")
	if value == "" {
		return field.ErrorList{field.Required(at, detail)}
	}
	err := field.NotSupported(at, value, valid)
	err.Detail = detail
	return field.ErrorList{err}
}

// ValidateSessionStatusUpdate returns all faults in the status of a Session that
// replaces another one. It refuses what no reader can interpret. It doesn't check which
// targets there are, the order of their times, and how they follow from the other
// status: only the run knows that.
func ValidateSessionStatusUpdate(session, _ *Session) field.ErrorList {
	errs := validateMetadataTimes(&session.ObjectMeta, field.NewPath("metadata"))
	return append(errs, validateStatus(&session.Status, field.NewPath("status"))...)
}

func validateStatus(status *SessionStatus, at *field.Path) field.ErrorList {
	errs := validateTime(status.StartTime.Time, at.Child("startTime"))
	if status.PID < 0 {
		errs = append(errs, field.Invalid(at.Child("pid"), status.PID, "must not be negative"))
	}
	for i := range status.Targets {
		errs = append(errs, validateTarget(&status.Targets[i], at.Child("targets").Index(i))...)
	}
	if status.CI != nil {
		errs = append(errs, validateCI(status.CI, at.Child("ci"))...)
	}
	if status.Runner != nil {
		errs = append(errs, validateClaim(status.Runner, at.Child("runner"))...)
	}
	errs = append(errs, metav1validation.ValidateConditions(status.Conditions, at.Child("conditions"))...)
	for i := range status.Conditions {
		changed := status.Conditions[i].LastTransitionTime.Time
		errs = append(errs, validateTime(changed, at.Child("conditions").Index(i).Child("lastTransitionTime"))...)
	}
	return errs
}

func validateTarget(target *Target, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	if target.Name == "" {
		errs = append(errs, field.Required(at.Child("name"), "cannot be empty"))
	}
	errs = append(errs, validateEnum(target.Type, at.Child("type"), TargetTypeJob, TargetTypeServer)...)
	if target.RestartCount < 0 {
		errs = append(errs, field.Invalid(at.Child("restartCount"), target.RestartCount, "must not be negative"))
	}
	return append(errs, validateTargetState(&target.State, at.Child("state"))...)
}

func validateTargetState(state *TargetState, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	if set := statesSet(state); len(set) > 1 {
		errs = append(errs, field.Invalid(at, strings.Join(set, ", "), "at most one may be set"))
	}
	if active := state.Active; active != nil {
		errs = append(errs, validateTime(active.StartTime.Time, at.Child("active", "startTime"))...)
		errs = append(errs, validateTime(active.LastReadyTime.Time, at.Child("active", "lastReadyTime"))...)
	}
	if state.Terminated != nil {
		errs = append(errs, validateTerminated(state.Terminated, at.Child("terminated"))...)
	}
	return errs
}

func statesSet(state *TargetState) (set []string) {
	add := func(name string, isSet bool) {
		if isSet {
			set = append(set, name)
		}
	}
	add("waiting", state.Waiting != nil)
	add("active", state.Active != nil)
	add("terminated", state.Terminated != nil)
	add("disabled", state.Disabled != nil)
	return set
}

func validateTerminated(terminated *TargetStateTerminated, at *field.Path) field.ErrorList {
	errs := validateTime(terminated.StartTime.Time, at.Child("startTime"))
	errs = append(errs, validateTime(terminated.FinishTime.Time, at.Child("finishTime"))...)
	if terminated.GraceStatus != TargetGraceNotApplicable {
		errs = append(errs, validateEnum(terminated.GraceStatus, at.Child("graceStatus"),
			TargetGraceTolerated, TargetGraceExceeded)...)
	}
	if terminated.ExitCode != nil && terminated.Signal != "" {
		errs = append(errs, field.Forbidden(at.Child("exitCode"), "a process ended by a signal has no exit code"))
	}
	return errs
}

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
