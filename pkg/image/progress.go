// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// progress writes what BuildKit reports as one line for each step, with the output of steps below, and remembers the
// error, which isn't written. Lines that aren't progress, such as warnings, are passed on.
type progress struct {
	log io.Writer
	// steps are by their digest, or their number in plain progress.
	steps map[string]*step
	// shown is the step that the last line belongs to.
	shown *step
	// object is the beginning of a JSON object.
	object []byte
	// failed is the step that failed, nil if none did, and cause the error.
	failed *step
	cause  string
	// quoted is true within the repeated output of the failed step.
	quoted bool
}

// step is what BuildKit calls a vertex.
type step struct {
	name     string
	size     int64
	finished bool
	// output splits what the step prints into lines, nil before.
	output *lineWriter
}

// solveStatus is one object of BuildKit's progress in JSON.
type solveStatus struct {
	Vertexes []struct {
		Digest, Name, Error string
		Started, Completed  *time.Time
		Cached              bool
	}
	Statuses []struct {
		Vertex  string
		Current int64
	}
	Logs []struct {
		Vertex string
		Data   []byte
	}
	Warnings []struct{ Short []byte }
}

func newProgress(log io.Writer) *progress { return &progress{log: log, steps: map[string]*step{}} }

// err is the error of the build in the words of BuildKit, nil if it named none.
func (p *progress) err() string {
	if p.failed != nil && p.failed.name != "" {
		return strings.TrimPrefix(p.failed.name, "[internal] ") + ": " + p.cause
	}
	return p.cause
}

// jsonLine takes a line of rawjson progress. Some versions write an object in one line, some in several.
func (p *progress) jsonLine(line string) {
	if len(p.object) == 0 && !strings.HasPrefix(line, "{") {
		p.text(line)
		return
	}
	first := len(p.object) == 0
	p.object = append(append(p.object, line...), '\n')
	if !first && line != "}" {
		return
	}
	var status solveStatus
	if json.Unmarshal(p.object, &status) == nil {
		p.status(status)
	} else if first {
		return
	}
	p.object = nil
}

// status takes an object of progress.
func (p *progress) status(status solveStatus) {
	for _, v := range status.Vertexes {
		p.step(v.Digest).name = v.Name
	}
	for _, s := range status.Statuses {
		if known := p.steps[s.Vertex]; known != nil {
			known.size = max(known.size, s.Current)
		}
	}
	for _, l := range status.Logs {
		if s := p.step(l.Vertex); len(l.Data) > 0 {
			p.output(s, l.Data)
		}
	}
	for _, w := range status.Warnings {
		p.text("warning: " + string(w.Short))
	}
	for _, v := range status.Vertexes {
		s := p.step(v.Digest)
		switch {
		case v.Error != "":
			p.fail(s, v.Error)
		case v.Completed != nil && v.Started != nil:
			p.finish(s, v.Cached, v.Completed.Sub(*v.Started))
		case v.Started != nil:
			p.begin(s)
		}
	}
}

// text takes a line that isn't of a step: it follows the steps, most often to say the error again.
func (p *progress) text(line string) {
	if cause, ok := strings.CutPrefix(line, "ERROR: "); ok {
		if p.failed == nil {
			for _, prefix := range []string{"failed to build: ", "failed to solve: "} {
				cause = strings.TrimPrefix(cause, prefix)
			}
			p.cause = cause
		}
		return
	}
	if unknownFlag.MatchString(line) {
		p.cause = line
		return
	}
	switch {
	case line == "------":
		p.quoted = !p.quoted
	case !p.quoted && strings.TrimSpace(line) != "":
		fmt.Fprintln(p.log, line)
		p.shown = nil
	}
}

func (p *progress) step(id string) *step {
	s := p.steps[id]
	if s == nil {
		s = &step{}
		p.steps[id] = s
	}
	return s
}

// hidden are steps that say nothing to the author of a Dockerfile.
func (s *step) hidden() bool {
	return strings.HasPrefix(s.name, "[internal] ") && s.name != contextStep || strings.HasPrefix(s.name, "[auth] ")
}

// contextStep is the step that reads files.
const contextStep = "[internal] load build context"

// begin shows a step that may take long.
func (p *progress) begin(s *step) {
	if !s.finished && strings.Contains(s.name, "] RUN ") {
		p.show(s)
	}
}

// show makes a step the one whose output follows.
func (p *progress) show(s *step) {
	if p.shown != s {
		fmt.Fprintln(p.log, strings.TrimPrefix(s.name, "[internal] "))
		p.shown = s
	}
}

func (p *progress) output(s *step, data []byte) {
	if s.hidden() {
		return
	}
	if s.output == nil {
		s.output = &lineWriter{line: func(line string) {
			p.show(s)
			fmt.Fprintln(p.log, "  → "+line)
		}}
	}
	_, _ = s.output.Write(data) // It never fails.
}

// finish shows how a step ended. The context is read in several rounds.
func (p *progress) finish(s *step, cached bool, took time.Duration) {
	if s.output != nil {
		s.output.flush()
	}
	read := s.name == contextStep && s.size > 0
	if s.finished || s.hidden() || s.name == contextStep && !read {
		return
	}
	s.finished = true
	p.shown = nil
	name := strings.TrimPrefix(s.name, "[internal] ")
	switch took = took.Round(time.Millisecond); {
	case cached:
		fmt.Fprintf(p.log, "%s [cached]\n", name)
	case read:
		fmt.Fprintf(p.log, "%s [%s in %s]\n", name, bytesText(s.size), took)
	default:
		fmt.Fprintf(p.log, "%s [done: %s]\n", name, took)
	}
}

// fail shows which step failed. Steps that BuildKit cancels for that have no error of their own.
func (p *progress) fail(s *step, cause string) {
	if s.output != nil {
		s.output.flush()
	}
	if p.failed != nil || s.finished || strings.Contains(cause, "context canceled") {
		return
	}
	s.finished = true
	p.failed, p.cause = s, cause
	if !s.hidden() {
		p.shown = nil
		fmt.Fprintf(p.log, "%s [failed]\n", strings.TrimPrefix(s.name, "[internal] "))
	}
}

// bytesText is a number of bytes for people.
func bytesText(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1<<10:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d B", n)
}
