// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package github

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/report"
	"tilt.dev/session/pkg/text"
)

const (
	// maxAnnotations is how many annotations of a kind GitHub keeps of a step. It drops others without a word.
	maxAnnotations = 10
	// maxMessage is how many bytes the message of an annotation has, at most. GitHub cuts it at 4,096 characters.
	maxMessage = 3500
	// maxReason is how many characters of it say why.
	maxReason = 1500
)

// Annotate writes an annotation for each target that failed or is unfinished, and a warning for each that needed more
// than one attempt, as many as GitHub keeps. workspace is the directory of the repository, empty if it isn't known.
func Annotate(o *Output, r *report.Report, workspace string) error {
	var errors, warnings []string
	for _, t := range r.Wrong() {
		errors = append(errors, annotation("error", t, t.Name+" "+ended(t), message(t), workspace))
	}
	if len(errors) == 0 && !r.Green() && r.Error != "" {
		message := text.Cut(text.PrintableLines(strings.TrimSpace(r.Error)), maxReason)
		errors = append(errors, command("error", message, property{"title", "tilt-session failed"}))
	}
	for i := range r.Targets {
		t := &r.Targets[i]
		if t.Restarts > 0 && !t.Bad() {
			message := fmt.Sprintf("%s needed %d more attempts after failures", t.Name, t.Restarts)
			warnings = append(warnings, annotation("warning", t, t.Name+" is flaky", message, workspace))
		}
	}
	return o.run(strings.Join(atMost(errors, "error"), "") + strings.Join(atMost(warnings, "warning"), ""))
}

// atMost replaces those annotations that are too many by one that counts them.
func atMost(annotations []string, kind string) []string {
	if len(annotations) <= maxAnnotations {
		return annotations
	}
	more := len(annotations) - (maxAnnotations - 1)
	return append(annotations[:maxAnnotations-1:maxAnnotations-1],
		command(kind, fmt.Sprintf("and %d more: see the summary of the job", more), property{"title", "tilt-session"}))
}

func annotation(kind string, t *report.Target, title, message, workspace string) string {
	properties := []property{{name: "file"}, {name: "line"}, {"title", text.Plain(title)}}
	if file := within(workspace, t.Position); file != "" {
		properties[0].value, properties[1].value = file, strconv.Itoa(t.Position.Line)
	}
	return command(kind, message, properties...)
}

// within is the path of a position relative to the workspace, empty if it is outside.
func within(workspace string, p model.Position) string {
	if workspace == "" || p.Line == 0 {
		return ""
	}
	path, err := filepath.Rel(workspace, p.File)
	if err != nil || !filepath.IsLocal(path) {
		return ""
	}
	return filepath.ToSlash(path)
}

// message is why a target failed, and as many of its last lines as there is room for.
func message(t *report.Target) string {
	reason := text.Cut(text.PrintableLines(strings.TrimSpace(reason(t))), maxReason)
	size, first := len(reason)+1, len(t.Log)
	for first > 0 {
		size += len(text.Printable(t.Log[first-1].Text)) + 1
		if size > maxMessage {
			break
		}
		first--
	}
	var b strings.Builder
	b.WriteString(reason)
	for _, line := range t.Log[first:] {
		if line := text.Printable(line.Text); line != "" {
			b.WriteString("\n" + line)
		}
	}
	return b.String()
}
