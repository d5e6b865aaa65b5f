// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strings"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/session"
)

// Result is what became of a target, in the words of tests.
type Result int

// A target has Passed if it succeeded or is ready. It has Failed if it ran and the answer is no. Errored is one that
// couldn't be started, or that the end of the run left undecided. Skipped is one that wasn't to run, or was held back.
const (
	Passed Result = iota
	Failed
	Errored
	Skipped
)

// Outcome is the Result of a target with its cause.
type Outcome struct {
	Result
	// Kind is the cause in one word, such as "ExitCode" or "Timeout", empty for a target that passed or was skipped.
	Kind string
	// Message is the cause in a line, empty for a target that passed.
	Message string
}

// commandNotFound is the exit code of a shell that doesn't find a command.
const commandNotFound = 127

// Outcome is what became of a target.
func (r *Report) Outcome(t *Target) Outcome {
	switch t.Phase {
	case session.PhaseReady, session.PhaseSucceeded:
		return Outcome{}
	case session.PhaseDisabled:
		return Outcome{Result: Skipped, Message: "disabled"}
	case session.PhaseFailed:
		return failure(t)
	}
	switch started := t.Phase == session.PhaseActive || t.Unfinished; {
	case len(t.HeldBackBy) > 0:
		return Outcome{Result: Skipped, Message: "held back by " + strings.Join(t.HeldBackBy, ", ")}
	case t.Phase == session.PhaseInactive:
		return Outcome{Result: Skipped, Message: "not requested"}
	case r.Verdict == session.Timeout:
		return Outcome{Errored, "Timeout", fmt.Sprintf("%s when the run timed out", t.status())}
	case r.Verdict == session.TargetFailed && len(r.Failures) > 0:
		return Outcome{Result: Skipped, Message: fmt.Sprintf("%s when %s failed", t.status(), r.Failures[0].Name)}
	case started:
		return Outcome{Errored, "Interrupted", fmt.Sprintf("%s when the run ended", t.status())}
	}
	return Outcome{Result: Skipped, Message: fmt.Sprintf("%s when the run ended", t.status())}
}

// addLate adds the servers to the failures that weren't ready for longer than they may.
func (r *Report) addLate() {
	if r.Verdict != session.ReadinessTimeout && (r.Verdict != session.TargetFailed || !r.Session.Spec.KeepGoing) {
		return
	}
	for i := range r.Targets {
		t := &r.Targets[i]
		if t.Type == v1alpha1.TargetTypeServer && t.Unfinished && t.Phase != session.PhaseFailed {
			t.Late, t.Error, t.Phase, t.State = true, "not ready in time", session.PhaseFailed, session.PhaseFailed.String()
			r.Failures = append(r.Failures, t)
		}
	}
}

// status is the state of a target that has no result, for messages.
func (t *Target) status() string {
	if t.WaitReason != "" {
		return t.State + " (" + t.WaitReason + ")"
	}
	return t.State
}

func failure(t *Target) Outcome {
	o := Outcome{Failed, "Failed", t.Ending()}
	switch {
	case t.Late:
		o.Kind = "ReadinessTimeout"
	case t.Tiltfile:
		o.Result, o.Kind = Errored, "Tiltfile"
	case t.timeLimit() != "":
		o.Kind = "Timeout"
	case t.Signal != "":
		o.Result, o.Kind = Errored, "Signal"
	case t.ExitCode != nil && *t.ExitCode == commandNotFound, t.Started.IsZero():
		o.Result, o.Kind = Errored, "Launch"
	case t.ExitCode != nil:
		o.Kind = "ExitCode"
	}
	return o
}

// Ending is how a target that failed has ended, in a line: its time limit, exit code or signal, else its error.
func (t *Target) Ending() string {
	ending := t.end()
	if again := again(t.Type, t.Restarts); again != "" {
		ending += ", " + again
	}
	return ending
}

func (t *Target) end() string {
	switch limit := t.timeLimit(); {
	case limit != "":
		return limit
	case t.Signal != "":
		return "signal: " + t.Signal
	case t.ExitCode != nil:
		return fmt.Sprintf("exit code %d", *t.ExitCode)
	}
	return firstLine(t.Error)
}

// timeLimit is what the error of a job says that took longer than it may, empty for others.
func (t *Target) timeLimit() string {
	if i := strings.LastIndex(t.Error, "failed: timed out after "); i >= 0 {
		return strings.TrimPrefix(t.Error[i:], "failed: ")
	}
	return ""
}
