// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package github writes what GitHub Actions shows of a run: annotations, groups in the log of the step, and a summary
// in Markdown.
//
// The runner executes commands in the lines of a step, "::name key=value::data" at the start of a line and
// "##[name key=value]data" anywhere in one. The output of targets can hold such lines. So commands are off while any
// text is written, and on for those of this package alone.
package github

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"
)

// dataEscapes are for what follows the second "::" of a command, propertyEscapes for a value before it.
var (
	dataEscapes     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// property is a property of a command. Those without a value are left out.
type property struct{ name, value string }

// command is the line of a command, with its end.
func command(name, data string, properties ...property) string {
	var b strings.Builder
	b.WriteString("::" + name)
	separator := byte(' ')
	for _, p := range properties {
		if p.value != "" {
			b.WriteByte(separator)
			b.WriteString(p.name + "=" + propertyEscapes.Replace(p.value))
			separator = ','
		}
	}
	b.WriteString("::" + dataEscapes.Replace(data) + "\n")
	return b.String()
}

// Output is the log of a step. What is written to it contains no commands for the runner. It is not safe for
// concurrent use.
type Output struct {
	w io.Writer
	// token turns commands on again, empty while they are on.
	token string
	// open is true if the last line written has no end.
	open bool
}

// NewOutput returns an output to w. The caller closes it.
func NewOutput(w io.Writer) *Output { return &Output{w: w} }

// Write writes text with commands turned off.
func (o *Output) Write(text []byte) (int, error) {
	if len(text) == 0 {
		return 0, nil
	}
	if o.token == "" {
		// Read never fails. A new token each time: an old one is in the log.
		random := make([]byte, 16)
		_, _ = rand.Read(random)
		o.token = hex.EncodeToString(random)
		if _, err := io.WriteString(o.w, command("stop-commands", o.token)); err != nil {
			return 0, fmt.Errorf("turn commands off: %w", err)
		}
	}
	o.open = text[len(text)-1] != '\n'
	return o.w.Write(text)
}

// run has the runner execute commands, each a whole line.
func (o *Output) run(commands string) error {
	if o.token != "" {
		commands = command(o.token, "") + commands
		o.token = ""
	}
	if o.open {
		commands, o.open = "\n"+commands, false
	}
	_, err := io.WriteString(o.w, commands)
	return err
}

// Fold begins a group of lines. It is shown only once its title is clicked. Groups have no name and no time.
func (o *Output) Fold(title, _ string, _ time.Time) error { return o.run(command("group", title)) }

// Unfold ends the group that has begun.
func (o *Output) Unfold(time.Time) error { return o.run(command("endgroup", "")) }

// Close turns commands on again for what the step runs next.
func (o *Output) Close() error {
	if o.token == "" {
		return nil
	}
	return o.run("")
}

// lineEnds are those that the runner reads besides a line feed.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// Harmless is a text that is no command, for messages that aren't written to an Output.
func Harmless(text string) string {
	lines := strings.Split(lineEnds.Replace(strings.ReplaceAll(text, "##[", "## [")), "\n")
	for i, line := range lines {
		if strings.HasPrefix(strings.TrimSpace(line), "::") {
			lines[i] = strings.Replace(line, "::", ": :", 1)
		}
	}
	return strings.Join(lines, "\n")
}
