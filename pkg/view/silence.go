// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/session"
)

// Silence decides when a run that prints nothing says what it waits for: after a minute, and then after longer and
// longer times.
type Silence struct {
	since time.Time
	told  int
}

// silences are the times without a line.
var silences = [...]time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute}

// Break notes that something else was printed.
func (s *Silence) Break(now time.Time) { *s = Silence{since: now} }

// Tell notes that what is waited for was printed, or would have been.
func (s *Silence) Tell(now time.Time) { s.since, s.told = now, s.told+1 }

// Due is when to print what is waited for, if nothing else is printed before.
func (s *Silence) Due() time.Time { return s.since.Add(silences[min(s.told, len(silences)-1)]) }

// maxAwaited is how many of the targets that a run waits for are named.
const maxAwaited = 3

// StillWaiting is what a run waits for: the targets that run or aren't ready, the oldest first, each after the ones
// that wait for it. It is empty if only a person can make the run go on, or nothing is to be done.
func (s Style) StillWaiting(status *v1alpha1.SessionStatus, now time.Time) string {
	var causes []*v1alpha1.Target
	chains := map[string][]session.Link{}
	for i := range status.Targets {
		t := &status.Targets[i]
		switch session.PhaseOf(t.State) {
		case session.PhaseActive:
			if chains[t.Name] == nil {
				chains[t.Name] = []session.Link{{Target: t}}
				causes = append(causes, t)
			}
		case session.PhaseWaiting:
			chain := session.Chain(status, t.Name)
			cause := chain[len(chain)-1].Target
			if !goesOn(cause) {
				continue
			}
			if chains[cause.Name] == nil {
				causes = append(causes, cause)
			}
			if len(chain) > len(chains[cause.Name]) {
				chains[cause.Name] = chain
			}
		}
	}
	if len(causes) == 0 {
		return ""
	}
	slices.SortStableFunc(causes, func(a, b *v1alpha1.Target) int {
		return cmp.Or(ChangedAt(a, now).Compare(ChangedAt(b, now)), strings.Compare(a.Name, b.Name))
	})
	var parts []string
	for _, cause := range causes[:min(len(causes), maxAwaited)] {
		parts = append(parts, s.chain(chains[cause.Name], now))
	}
	if more := len(causes) - maxAwaited; more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	return "still waiting: " + strings.Join(parts, ", ")
}

// goesOn reports whether a target may change its state by itself.
func goesOn(t *v1alpha1.Target) bool {
	w := t.State.Waiting
	return t.State.Active != nil || w != nil && engine.Hold(w.WaitReason) != engine.HoldPendingTrigger
}

// chain is a chain of targets in a line, with the state of the last one.
func (s Style) chain(links []session.Link, now time.Time) string {
	arrow := " ← "
	if s.ASCII {
		arrow = " <- "
	}
	names := make([]string, len(links))
	for i, l := range links {
		names[i] = session.LogSources(*l.Target)[0]
	}
	row := Row{Targets: []*v1alpha1.Target{links[len(links)-1].Target}}
	state := row.State()
	if w := row.Targets[0].State.Waiting; w != nil {
		state = WaitWords(w.WaitReason)
	}
	if took := Duration(row.Time(now)); took != "" {
		state += " " + took
	}
	return fmt.Sprintf("%s (%s)", strings.Join(slices.Compact(names), arrow), state)
}
