// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package block

import (
	"fmt"
	"slices"
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/report"
	"tilt.dev/session/pkg/session"
	"tilt.dev/session/pkg/text"
	"tilt.dev/session/pkg/view"
)

// maxReason is how many characters of an error a title has.
const maxReason = 200

// Ends finds the ends of jobs in consecutive snapshots of a run.
type Ends struct {
	// seen are the numbers of the last builds of the Tiltfile, resources and images.
	seen map[string]int
}

// NewEnds returns what finds the ends from the beginning of a run.
func NewEnds() *Ends { return &Ends{seen: map[string]int{}} }

// Next returns the ends since the snapshot before, the earliest first.
func (e *Ends) Next(snap *engine.Snapshot) (ends []End) {
	ends = e.append(ends, session.TiltfileTarget, model.TiltfileResource, snap.Tiltfile.History)
	for _, states := range [][]engine.ResourceState{snap.Resources, snap.Images} {
		for i := range states {
			if r := &states[i]; r.Update != nil {
				target, _ := session.TargetNames(r)
				ends = e.append(ends, target, r.Name, r.Update.History)
			}
		}
	}
	slices.SortStableFunc(ends, func(a, b End) int { return a.Finish.Compare(b.Finish) })
	return ends
}

// Last returns the ends that a report knows and no snapshot before it had.
func (e *Ends) Last(r *report.Report) (ends []End) {
	for i := range r.Targets {
		for _, source := range sources(&r.Targets[i]) {
			ends = e.append(ends, r.Targets[i].Name, source, r.Targets[i].History)
		}
	}
	slices.SortStableFunc(ends, func(a, b End) int { return a.Finish.Compare(b.Finish) })
	return ends
}

// Titles returns what says of a source how its bad target has ended, and nothing of a source without one.
func Titles(r *report.Report) func(source string) string {
	titles := map[string]string{}
	for i := range r.Targets {
		t := &r.Targets[i]
		title := "… " + t.Name + " was " + t.State
		switch {
		case t.Phase == session.PhaseFailed:
			title = failed(t.Name, r.Ran(t), t.Error)
		case !t.Unfinished:
			continue
		}
		for _, source := range sources(t) {
			titles[source] = title
		}
	}
	return func(source string) string { return titles[source] }
}

func sources(t *report.Target) []string {
	return session.LogSources(v1alpha1.Target{Name: t.Name, Resources: t.Resources})
}

func failed(target string, took time.Duration, err string) string {
	reason := text.Cut(text.Plain(text.ErrorLine(err)), maxReason)
	return fmt.Sprintf("✗ %s failed after %s: %s", target, view.Duration(took), reason)
}

func (e *Ends) append(ends []End, target, source string, h *engine.History) []End {
	if h == nil {
		return ends
	}
	for _, b := range slices.Backward(h.Ended) {
		if b.Number <= e.seen[source] {
			continue
		}
		e.seen[source] = b.Number
		end := End{
			Target: target, Source: source, EndLine: b.EndLine, Failed: b.Error != "", Start: b.Start, Finish: b.Finish,
		}
		if took := b.Finish.Sub(b.Start); end.Failed {
			end.Title = failed(target, took, b.Error)
		} else {
			end.Title = "✓ " + target + " " + view.Duration(took)
		}
		ends = append(ends, end)
	}
	return ends
}
