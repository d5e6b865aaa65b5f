// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/session"
	"tilt.dev/session/pkg/text"
)

// The fields of the JSON report are described in api/report.schema.json. More may be added.
type jsonReport struct {
	APIVersion   string            `json:"apiVersion"`
	Kind         string            `json:"kind"`
	Version      string            `json:"version"`
	Verdict      string            `json:"verdict"`
	ExitCode     int               `json:"exitCode"`
	Signal       string            `json:"signal,omitempty"`
	Error        string            `json:"error,omitempty"`
	StartTime    time.Time         `json:"startTime"`
	EndTime      time.Time         `json:"endTime"`
	Targets      []jsonTarget      `json:"targets"`
	Executions   []jsonExecution   `json:"executions"`
	Failures     []jsonFailure     `json:"failures"`
	CriticalPath []jsonLink        `json:"criticalPath"`
	Session      *v1alpha1.Session `json:"session"`
}

type jsonTarget struct {
	Target    string   `json:"target"`
	Type      string   `json:"type"`
	Resources []string `json:"resources"`
	State     string   `json:"state"`
	Result    string   `json:"result"`
	// Message is why it isn't a success.
	Message    string     `json:"message,omitempty"`
	Command    string     `json:"command,omitempty"`
	Directory  string     `json:"directory,omitempty"`
	File       string     `json:"file,omitempty"`
	Line       int        `json:"line,omitempty"`
	Queued     *time.Time `json:"queuedTime,omitempty"`
	Allowed    *time.Time `json:"allowedTime,omitempty"`
	Started    *time.Time `json:"startTime,omitempty"`
	Ready      *time.Time `json:"readyTime,omitempty"`
	Finished   *time.Time `json:"finishTime,omitempty"`
	Restarts   int        `json:"restartCount,omitempty"`
	Needs      []string   `json:"needs,omitempty"`
	HeldBackBy []string   `json:"heldBackBy,omitempty"`
}

type jsonFailure struct {
	Target   string   `json:"target"`
	Error    string   `json:"error"`
	ExitCode *int32   `json:"exitCode,omitempty"`
	Signal   string   `json:"signal,omitempty"`
	HeldBack []string `json:"heldBack,omitempty"`
	// Log are the last lines of output without escape sequences.
	Log []string `json:"log"`
}

type jsonExecution struct {
	Target   string     `json:"target"`
	Number   int        `json:"number"`
	Reason   string     `json:"reason"`
	Attempt  int        `json:"attempt,omitempty"`
	Live     bool       `json:"live,omitempty"`
	Queued   *time.Time `json:"queuedTime,omitempty"`
	Allowed  *time.Time `json:"allowedTime,omitempty"`
	Started  *time.Time `json:"startTime,omitempty"`
	Finished *time.Time `json:"finishTime,omitempty"`
	Files    []string   `json:"files,omitempty"`
	Changed  int        `json:"changedFiles,omitempty"`
	Error    string     `json:"error,omitempty"`
	ExitCode *int       `json:"exitCode,omitempty"`
	Signal   string     `json:"signal,omitempty"`
}

type jsonLink struct {
	Target    string    `json:"target"`
	StartTime time.Time `json:"startTime"`
	EndTime   time.Time `json:"endTime"`
}

// JSON returns a report as JSON.
func JSON(r *Report) ([]byte, error) {
	s := r.Session.DeepCopy()
	s.TypeMeta.APIVersion, s.TypeMeta.Kind = v1alpha1.SchemeGroupVersion.String(), "Session"
	s.ManagedFields = nil
	if s.Status.Targets == nil {
		s.Status.Targets = []v1alpha1.Target{}
	}
	report := jsonReport{
		APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "Report", Version: r.Version,
		Verdict: verdictWord(r), ExitCode: r.ExitCode, Signal: r.Signal, Error: r.Error,
		StartTime: r.Start.UTC(), EndTime: r.End.UTC(), Session: s,
		Targets: []jsonTarget{}, Executions: []jsonExecution{}, Failures: []jsonFailure{}, CriticalPath: []jsonLink{},
	}
	for i := range r.Targets {
		t := &r.Targets[i]
		report.Targets = append(report.Targets, r.jsonTarget(t))
		for _, b := range t.Builds() {
			report.Executions = append(report.Executions, newExecution(t.Name, b))
		}
	}
	for _, t := range r.Failures {
		failure := jsonFailure{t.Name, t.Error, t.ExitCode, t.Signal, t.HeldBack, []string{}}
		for _, line := range t.Log {
			failure.Log = append(failure.Log, text.Printable(line.Text))
		}
		report.Failures = append(report.Failures, failure)
	}
	for _, link := range r.Chain {
		report.CriticalPath = append(report.CriticalPath, jsonLink{link.Target, link.Start.UTC(), link.End.UTC()})
	}
	content, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode JSON: %w", err)
	}
	return append(content, '\n'), nil
}

func verdictWord(r *Report) string {
	if r.Verdict == session.Undecided {
		return "Undecided"
	}
	return string(r.Verdict)
}

var results = [...]string{Passed: "passed", Failed: "failed", Errored: "error", Skipped: "skipped"}

// String is the result in a word.
func (r Result) String() string { return results[r] }

func (r *Report) jsonTarget(t *Target) jsonTarget {
	outcome := r.Outcome(t)
	return jsonTarget{
		Target: t.Name, Type: string(t.Type), Resources: t.Resources, State: t.State,
		Result: outcome.Result.String(), Message: outcome.Message,
		Command: t.Command, Directory: t.Directory, File: t.Position.File, Line: t.Position.Line,
		Queued: known(t.Queued), Allowed: known(t.Allowed), Started: known(t.Started),
		Ready: known(t.Ready), Finished: known(t.Finished),
		Restarts: t.Restarts, Needs: t.Needs, HeldBackBy: t.HeldBackBy,
	}
}

// Builds are the executions of a target, oldest first.
func (t *Target) Builds() (builds []*engine.Build) {
	if t.History == nil {
		return nil
	}
	builds = slices.Clone(t.History.Ended)
	slices.Reverse(builds)
	if t.History.Current != nil {
		builds = append(builds, t.History.Current)
	}
	return builds
}

func newExecution(target string, b *engine.Build) jsonExecution {
	return jsonExecution{
		Target: target, Number: b.Number, Reason: string(b.Reason), Attempt: b.Attempt, Live: b.Live,
		Queued: known(b.Queued), Allowed: known(b.Allowed), Started: known(b.Start), Finished: known(b.Finish),
		Files: b.Files, Changed: b.Changed, Error: b.Error, ExitCode: b.Code, Signal: b.Signal,
	}
}

// known is a time, nil for one that isn't known.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
