// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/session"
	"tilt.dev/session/pkg/text"
)

// State is what a Session as a whole is doing.
type State string

// The states of a Session.
const (
	StatePending   State = "pending"
	StateRunning   State = "running"
	StateReady     State = "ready"
	StateSucceeded State = "succeeded"
	// StateFailed is also that of a Session that goes on although a target has failed.
	StateFailed State = "failed"
)

// Summary is the first line of a view: a Session as a whole.
type Summary struct {
	// Command is up or ci, Tiltfile the end of the path.
	Command, Tiltfile string
	State             State
	// Reached of the Wanted targets are ready or have succeeded, as the table of Sessions counts them.
	Reached, Wanted int
	// Failed, Active and Waiting are the targets that have failed, that run or aren't ready, and that wait.
	Failed, Active, Waiting int
	// Truncated is true if the status leaves targets out.
	Truncated bool
	// Took is the time from the start of the run to its verdict, or until now.
	Took time.Duration
	// Error is the main line of the error of the Session.
	Error string
}

// Summarize returns the summary of a Session.
func Summarize(s *v1alpha1.Session, now time.Time) Summary {
	path := s.Spec.TiltfilePath
	sum := Summary{
		Command:   "ci",
		Tiltfile:  filepath.Join(filepath.Base(filepath.Dir(path)), filepath.Base(path)),
		Truncated: meta.IsStatusConditionTrue(s.Status.Conditions, v1alpha1.SessionConditionTruncated),
		Took:      max(between(s.Status.StartTime.Time, ended(&s.Status, now)), 0),
		Error:     text.Plain(text.ErrorLine(s.Status.Error)),
	}
	if s.Spec.ExitCondition == v1alpha1.ExitConditionManual {
		sum.Command = "up"
	}
	for i := range s.Status.Targets {
		sum.count(session.PhaseOf(s.Status.Targets[i].State))
	}
	if s.Status.Done {
		sum.Active = 0 // What the end of the run has cut off is shown as it was.
	}
	sum.State = sum.state(s)
	return sum
}

func (sum *Summary) count(phase session.Phase) {
	switch phase {
	case session.PhaseReady, session.PhaseSucceeded:
		sum.Reached++
	case session.PhaseFailed:
		sum.Failed++
	case session.PhaseActive:
		sum.Active++
	case session.PhaseWaiting:
		sum.Waiting++
	default:
		return
	}
	sum.Wanted++
}

func (sum *Summary) state(s *v1alpha1.Session) State {
	switch verdict := session.VerdictOf(s.Status); {
	case verdict == session.Succeeded:
		return StateSucceeded
	case verdict != session.Undecided || sum.Failed > 0:
		return StateFailed
	case meta.IsStatusConditionTrue(s.Status.Conditions, v1alpha1.SessionConditionReady):
		return StateReady
	case s.Status.StartTime.IsZero():
		return StatePending
	}
	return StateRunning
}

// ended is when a Session had its verdict, now without one. Conditions have whole seconds, and targets end later.
func ended(status *v1alpha1.SessionStatus, now time.Time) time.Time {
	for _, kind := range []string{v1alpha1.SessionConditionSucceeded, v1alpha1.SessionConditionFailed} {
		c := meta.FindStatusCondition(status.Conditions, kind)
		if c == nil || !status.Done || c.Status != "True" {
			continue
		}
		at := c.LastTransitionTime.Time
		for i := range status.Targets {
			if end := status.Targets[i].State.Terminated; end != nil && end.FinishTime.After(at) {
				at = end.FinishTime.Time
			}
		}
		return at
	}
	return now
}

// String is the summary as one line.
func (sum Summary) String() string {
	parts := []string{fmt.Sprintf("%s %s", sum.Command, sum.Tiltfile), string(sum.State)}
	more := ""
	if sum.Truncated {
		more = "+"
	}
	parts = append(parts, fmt.Sprintf("%d/%d%s ready", sum.Reached, sum.Wanted, more))
	for _, c := range []struct {
		n    int
		word string
	}{{sum.Failed, "failed"}, {sum.Active, "running"}, {sum.Waiting, "waiting"}} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.word))
		}
	}
	return strings.Join(append(parts, Duration(sum.Took)), "  ")
}

// Duration is a time in a table, with three digits or so: 75ms, 3.1s, 4m12s. It is empty for a negative one.
func Duration(d time.Duration) string {
	switch {
	case d < 0:
		return ""
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
