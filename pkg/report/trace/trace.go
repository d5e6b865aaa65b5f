// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package trace writes a run in the trace event format of Chrome, which Perfetto and chrome://tracing show: a track for
// the longest chain of targets, and one for each target with its times of waiting and running. Times are microseconds
// since the start of the run.
package trace

import (
	"encoding/json"
	"slices"
	"time"

	"tilt.dev/session/pkg/report"
	"tilt.dev/session/pkg/text"
)

// maxError is how many characters of an error a span has.
const maxError = 300

// event is a span, or with the phase "M" a name or an order of a track.
type event struct {
	Name     string         `json:"name"`
	Category string         `json:"cat,omitempty"`
	Phase    string         `json:"ph"`
	Time     int64          `json:"ts"`
	Duration int64          `json:"dur,omitempty"`
	Process  int            `json:"pid"`
	Thread   int            `json:"tid"`
	Args     map[string]any `json:"args,omitempty"`
}

// writer collects the events of a run.
type writer struct {
	report *report.Report
	events []event
	// thread is the track of the next span.
	thread int
}

// Encode returns a report as a trace.
func Encode(r *report.Report) ([]byte, error) {
	w := &writer{report: r}
	w.name("process_name", "tilt-session: "+r.Tiltfile)
	if len(r.Chain) > 0 {
		w.name("thread_name", "longest chain")
		for _, link := range r.Chain {
			w.span(link.Target, "chain", link.Start, link.End, nil)
		}
	}
	targets := make([]*report.Target, 0, len(r.Targets))
	for i := range r.Targets {
		if t := &r.Targets[i]; !t.Queued.IsZero() || !t.Started.IsZero() {
			targets = append(targets, t)
		}
	}
	slices.SortStableFunc(targets, func(a, b *report.Target) int { return begin(a).Compare(begin(b)) })
	for _, t := range targets {
		w.thread++
		w.name("thread_name", t.Name)
		w.target(t)
	}
	return json.Marshal(map[string]any{"displayTimeUnit": "ms", "traceEvents": w.events})
}

// begin is the first known moment of a target.
func begin(t *report.Target) time.Time {
	if t.Queued.IsZero() {
		return t.Started
	}
	return t.Queued
}

// name names the track of the next spans, or the process.
func (w *writer) name(what, name string) {
	w.events = append(w.events, event{
		Name: what, Phase: "M", Process: 1, Thread: w.thread, Args: map[string]any{"name": text.Plain(name)},
	})
	if what == "thread_name" {
		w.events = append(w.events, event{
			Name: "thread_sort_index", Phase: "M", Process: 1, Thread: w.thread, Args: map[string]any{"sort_index": w.thread},
		})
	}
}

// target adds the spans of a target: those of all kept executions of a job, those of the last one of a server.
func (w *writer) target(t *report.Target) {
	if t.History != nil {
		for _, b := range t.Builds() {
			w.waiting(b.Queued, b.Allowed, b.Start)
			w.span(t.Name, "running", b.Start, b.Finish, arguments(b.Error, b.Code, b.Signal, "reason", string(b.Reason)))
		}
		if t.Started.IsZero() {
			w.waiting(t.Queued, t.Allowed, time.Time{})
		}
		return
	}
	w.waiting(t.Queued, t.Allowed, t.Started)
	args := arguments(t.Error, t.ExitCode, t.Signal, "state", t.State)
	if t.Ready.IsZero() || t.Ready.Equal(t.Finished) {
		w.span(t.Name, "running", t.Started, t.Finished, args)
		return
	}
	w.span(t.Name+" starting", "running", t.Started, t.Ready, nil)
	w.span(t.Name+" ready", "ready", t.Ready, t.Finished, args)
}

// waiting adds the spans before an execution.
func (w *writer) waiting(queued, allowed, start time.Time) {
	if queued.IsZero() {
		return
	}
	if allowed.IsZero() {
		allowed = start
	}
	w.span("waiting for dependencies", "waiting", queued, allowed, nil)
	if !allowed.IsZero() {
		w.span("waiting for its turn", "waiting", allowed, start, nil)
	}
}

// span adds a span that has begun, unless it is empty. One without an end goes on until the end of the run.
func (w *writer) span(name, category string, from, to time.Time, args map[string]any) {
	if to.IsZero() {
		to = w.report.End
	}
	if from.IsZero() || !to.After(from) {
		return
	}
	w.events = append(w.events, event{
		Name: text.Plain(name), Category: category, Phase: "X", Process: 1, Thread: w.thread, Args: args,
		Time: from.Sub(w.report.Start).Microseconds(), Duration: max(1, to.Sub(from).Microseconds()),
	})
}

// arguments are what is shown of a span besides its times.
func arguments[code int | int32](err string, exit *code, signal, key, value string) map[string]any {
	args := map[string]any{key: value}
	if err != "" {
		args["error"] = text.Cut(text.Plain(text.ErrorLine(err)), maxError)
	}
	if exit != nil {
		args["exitCode"] = *exit
	}
	if signal != "" {
		args["signal"] = signal
	}
	return args
}
