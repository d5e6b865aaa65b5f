// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

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
	return append(errs, validateConditions(status.Conditions, at.Child("conditions"))...)
}

func validateConditions(conditions []metav1.Condition, at *field.Path) field.ErrorList {
	errs := metav1validation.ValidateConditions(conditions, at)
	for i := range conditions {
		errs = append(errs, validateTime(conditions[i].LastTransitionTime.Time, at.Index(i).Child("lastTransitionTime"))...)
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
	if state.Active != nil {
		errs = append(errs, validateActive(state.Active, at.Child("active"))...)
	}
	if state.Terminated != nil {
		errs = append(errs, validateTerminated(state.Terminated, at.Child("terminated"))...)
	}
	return errs
}

func statesSet(state *TargetState) []string {
	var set []string
	for _, field := range []struct {
		name string
		set  bool
	}{
		{"waiting", state.Waiting != nil}, {"active", state.Active != nil},
		{"terminated", state.Terminated != nil}, {"disabled", state.Disabled != nil},
	} {
		if field.set {
			set = append(set, field.name)
		}
	}
	return set
}

func validateActive(active *TargetStateActive, at *field.Path) field.ErrorList {
	errs := validateTime(active.StartTime.Time, at.Child("startTime"))
	return append(errs, validateTime(active.LastReadyTime.Time, at.Child("lastReadyTime"))...)
}

func validateTerminated(terminated *TargetStateTerminated, at *field.Path) field.ErrorList {
	errs := validateTime(terminated.StartTime.Time, at.Child("startTime"))
	errs = append(errs, validateTime(terminated.FinishTime.Time, at.Child("finishTime"))...)
	if terminated.GraceStatus != TargetGraceNotApplicable {
		errs = append(errs, validateEnum(terminated.GraceStatus, at.Child("graceStatus"), TargetGraceTolerated, TargetGraceExceeded)...)
	}
	if terminated.ExitCode != nil && terminated.Signal != "" {
		errs = append(errs, field.Forbidden(at.Child("exitCode"), "a process ended by a signal has no exit code"))
	}
	return errs
}
