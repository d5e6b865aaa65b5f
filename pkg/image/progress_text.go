// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// plainEvent matches a line of plain progress: the number of a step and what happens.
var plainEvent = regexp.MustCompile(`^#(\d+) (.*)$`)

// plainOutput matches output of a step with its time.
var plainOutput = regexp.MustCompile(`^\d+\.\d+ ?(.*)$`)

// plainLine takes a line of plain progress.
func (p *progress) plainLine(line string) {
	event := plainEvent.FindStringSubmatch(line)
	if event == nil {
		p.text(line)
		return
	}
	s, said := p.step(event[1]), event[2]
	output := plainOutput.FindStringSubmatch(said)
	took, done := strings.CutPrefix(said, "DONE ")
	cause, failed := strings.CutPrefix(said, "ERROR: ")
	switch {
	case event[1] == "0":
	case said == "CACHED":
		p.finish(s, true, 0)
	case done:
		duration, _ := time.ParseDuration(took)
		p.finish(s, false, duration)
	case failed:
		p.fail(s, cause)
	case said == "CANCELED" || strings.HasPrefix(said, "..."):
	case output != nil:
		p.output(s, []byte(output[1]+"\n"))
	case s.name == "":
		s.name = said
		p.begin(s)
	}
}

// classicLine takes a line of docker's classic builder.
func (p *progress) classicLine(line string) {
	switch {
	case strings.HasPrefix(line, "Step "):
		p.flush()
		_, name, _ := strings.Cut(line, " : ")
		number := strings.TrimSuffix(strings.TrimPrefix(line, "Step "), " : "+name)
		p.failed = &step{name: "[" + number + "] " + name}
		fmt.Fprintln(p.log, p.failed.name)
	case strings.HasPrefix(line, "Sending build context"), strings.HasPrefix(line, "DEPRECATED: "),
		strings.HasPrefix(line, " ---> "), strings.HasPrefix(line, "Successfully "), strings.TrimSpace(line) == "",
		strings.HasPrefix(line, "            "):
	default:
		p.flush()
		if classicError.MatchString(line) {
			p.cause = strings.TrimPrefix(line, "Error response from daemon: ")
			return
		}
		fmt.Fprintln(p.log, "  → "+line)
	}
}

// classicError matches errors of the classic builder and its client. They are the last line.
var classicError = regexp.MustCompile(`^(The command '.*' returned a non-zero code|Error response from daemon: |` +
	`Cannot connect to |COPY failed: |ADD failed: |failed to |unable to |dockerfile parse error )`)

// flush writes what might have been the error.
func (p *progress) flush() {
	if p.cause != "" {
		fmt.Fprintln(p.log, "  → "+p.cause)
		p.cause = ""
	}
}

// podmanLine takes a line of podman, which is shown as it is, except for the error.
func (p *progress) podmanLine(line string) {
	if cause, ok := strings.CutPrefix(line, "Error: "); ok {
		p.cause = cause
		return
	}
	fmt.Fprintln(p.log, line)
}
