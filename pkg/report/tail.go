// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"strings"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/session"
)

const (
	// badLines and goodLines are how many of the last lines are kept of a target that failed or is unfinished, and of
	// another one. badBytes and goodBytes limit their text.
	badLines, goodLines = 2000, 20
	badBytes, goodBytes = 64 << 10, 4 << 10
	// allBytes is about how much text is kept of all those that failed or are unfinished.
	allBytes = 16 << 20
)

// addLogs adds the last lines of output of each target.
func (r *Report) addLogs(log Log) {
	bad := 0
	for i := range r.Targets {
		if r.Targets[i].Bad() {
			bad++
		}
	}
	for i := range r.Targets {
		t := &r.Targets[i]
		lines, limit := goodLines, goodBytes
		if t.Bad() {
			lines, limit = badLines, min(badBytes, allBytes/bad)
		}
		for _, source := range session.LogSources(v1alpha1.Target{Name: t.Name, Resources: t.Resources}) {
			tail := log.Tail(source, lines)
			written := log.Written(source)
			t.Missing += written - min(written, uint64(len(tail)))
			t.Log = append(t.Log, tail...)
		}
		from, to := r.span(t)
		if len(t.Log) > 0 && t.Log[0].Seq < from {
			t.Missing = 0
		}
		t.Log = slices.DeleteFunc(t.Log, func(l logs.Line) bool { return l.Seq < from || to > 0 && l.Seq >= to })
		t.omitTold()
		size, first := 0, len(t.Log)
		for first > 0 && size+len(t.Log[first-1].Text) < limit {
			first--
			size += len(t.Log[first].Text) + 1
		}
		t.Missing += uint64(first)
		t.Log = t.Log[first:]
	}
	r.TiltfileLog = log.Tail(model.TiltfileResource, badLines)
}

// omitTold omits the lines of a failed target in which the run itself says what a report tells beside them: the header
// with the command, and at the end the error.
func (t *Target) omitTold() {
	if t.Error == "" {
		return
	}
	for len(t.Log) > 0 && t.Log[0].Own {
		t.Log = t.Log[1:]
	}
	for last := len(t.Log) - 1; last >= 0; last-- {
		if line := t.Log[last]; line.Level != logs.LevelError || !strings.Contains("Build Failed: "+t.Error, line.Text) {
			break
		}
		t.Log = t.Log[:last]
	}
}

// Bad reports whether a target is one whose output a person wants to read.
func (t *Target) Bad() bool { return t.Phase == session.PhaseFailed || t.Unfinished }

// span is where in the log the last execution of a target is, with the attempts before it: from its first line to the
// one after its last, 0 for the end of the log.
func (r *Report) span(t *Target) (from, to uint64) {
	if h := t.History; h != nil {
		builds := h.Ended
		if h.Current != nil {
			builds = append([]*engine.Build{h.Current}, builds...)
		}
		if len(builds) == 0 {
			return 0, 0
		}
		first := 0
		for first+1 < len(builds) && builds[first].Attempt > 0 {
			first++
		}
		return builds[first].FirstLine, builds[0].EndLine
	}
	// The output of a server follows that of the update before it.
	for i := range r.Targets {
		other := &r.Targets[i]
		if other.History == nil || other.Name == t.Name || !slices.Equal(other.Resources, t.Resources) {
			continue
		}
		before := func(b *engine.Build) bool { return !b.Finish.IsZero() && !b.Finish.After(t.Started) }
		if k := slices.IndexFunc(other.History.Ended, before); k >= 0 {
			return other.History.Ended[k].EndLine, 0
		}
	}
	return 0, 0
}
