// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/pflag"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/report"
	"tilt.dev/session/pkg/report/block"
	"tilt.dev/session/pkg/report/github"
	"tilt.dev/session/pkg/report/gitlab"
	"tilt.dev/session/pkg/view"
)

// ciSystem is a CI system whose log shows more than lines.
type ciSystem struct {
	// flag is auto, on or off. With auto, the environment variable decides.
	name, variable, flag string
}

// ciSystems are all that there are.
type ciSystems struct{ github, gitlab ciSystem }

func (c *ciSystems) addFlags(flags *pflag.FlagSet) {
	c.github = ciSystem{name: "github", variable: "GITHUB_ACTIONS"}
	c.gitlab = ciSystem{name: "gitlab", variable: "GITLAB_CI"}
	flags.StringVar(&c.github.flag, "github", "auto",
		"write groups, annotations and a summary for GitHub Actions: on, off, or auto for where GITHUB_ACTIONS is true")
	flags.StringVar(&c.gitlab.flag, "gitlab", "auto",
		"write sections for GitLab CI: on, off, or auto for where GITLAB_CI is true")
}

func (c *ciSystems) check() (errs []error) {
	for _, s := range []ciSystem{c.github, c.gitlab} {
		if s.flag != "auto" && s.flag != "on" && s.flag != "off" {
			errs = append(errs, fmt.Errorf("--%s must be auto, on or off, got %q", s.name, s.flag))
		}
	}
	return errs
}

func (s ciSystem) on() bool {
	return s.flag == "on" || s.flag == "auto" && view.Truthy(os.Getenv(s.variable))
}

// ciLog is the log of a CI system. A nil one is that of none.
type ciLog struct {
	// github is nil for another system.
	github *github.Output
	// blocks are nil if lines are printed as they come.
	blocks *block.Printer
	ends   *block.Ends
}

// newCILog returns the log of the CI system that the run is in, and directs the output of p there.
func (o *options) newCILog(p *command.Program) *ciLog {
	o.reports.summary = o.ciSystems.summaryFile()
	p.Streams.ErrOut = o.ciSystems.harmlessWriter(p.Streams.ErrOut)
	c := &ciLog{}
	var out block.Output
	switch {
	case o.reports.toStdout(), o.output.format == formatJSON:
		return nil // The objects are no commands.
	case o.ciSystems.github.on():
		c.github = github.NewOutput(p.Streams.Out)
		out = c.github
	case o.ciSystems.gitlab.on():
		out = gitlab.NewOutput(p.Streams.Out)
	default:
		return nil
	}
	p.Streams.Out = out
	if o.exitCondition == v1alpha1.ExitConditionCI && !o.stream && !o.output.quiet {
		c.blocks, c.ends = block.NewPrinter(out, o.output.logStyle(time.Now())), block.NewEnds()
	}
	return c
}

// inBlocks reports whether the output of targets is printed in blocks.
func (c *ciLog) inBlocks() bool { return c != nil && c.blocks != nil }

// blocks are the lines of a run in the blocks of a CI system.
type blocks struct {
	*ciLog
	style view.Style
}

func (b blocks) Print(batch logs.Batch) (shown bool, err error) {
	before := b.blocks.Printed()
	for line, missed := range batch.Lines() {
		if err := b.blocks.Line(line, missed); err != nil {
			return false, err
		}
	}
	return b.blocks.Printed() != before, nil
}

// known prints the blocks of jobs that have ended.
func (b blocks) known(snap *engine.Snapshot) error { return b.printEnds(b.ends.Next(snap)) }

// change tells what becomes of servers. The titles of blocks tell it of jobs.
func (b blocks) change(t *v1alpha1.Target, _ time.Time) error {
	text := b.style.Change(t)
	if text == "" || t.Type == v1alpha1.TargetTypeJob {
		return nil
	}
	return b.blocks.Note(t.Name + " " + text)
}

func (b blocks) note(text string, _ time.Time) error { return b.blocks.Note(text) }

// Close leaves the rest to finish.
func (blocks) Close() error { return nil }

func (c *ciLog) printEnds(ends []block.End) error {
	for _, end := range ends {
		if err := c.blocks.Ended(end); err != nil {
			return err
		}
	}
	return nil
}

// finish prints what is left of the blocks once the run has ended.
func (c *ciLog) finish(r *report.Report) error {
	if !c.inBlocks() {
		return nil
	}
	return errors.Join(c.printEnds(c.ends.Last(r)), c.blocks.Close(block.Titles(r)))
}

// close ends the log. Of a run with a report, GitHub shows annotations.
func (c *ciLog) close(r *report.Report) (err error) {
	if c == nil || c.github == nil {
		return nil
	}
	if r != nil {
		err = github.Annotate(c.github, r, os.Getenv("GITHUB_WORKSPACE"))
	}
	return errors.Join(err, c.github.Close())
}

// harmless returns what makes a text one that the CI system doesn't execute, nil outside of one.
func (c *ciSystems) harmless() func(string) string {
	switch {
	case c.github.on():
		return github.Harmless
	case c.gitlab.on():
		return gitlab.Harmless
	}
	return nil
}

// harmlessError returns an error whose message the CI system doesn't execute.
func (c *ciSystems) harmlessError(p command.Program, err error) error {
	harmless := c.harmless()
	if harmless == nil || err == nil {
		return err
	}
	return command.WithCode(p.ExitCode(err), "%s", harmless(err.Error()))
}

// harmlessWriter returns a writer of whole lines, such as stderr. The CI system executes none of them.
func (c *ciSystems) harmlessWriter(w io.Writer) io.Writer {
	if harmless := c.harmless(); harmless != nil {
		return harmlessWriter{w, harmless}
	}
	return w
}

type harmlessWriter struct {
	w        io.Writer
	harmless func(string) string
}

func (h harmlessWriter) Write(p []byte) (int, error) {
	if _, err := io.WriteString(h.w, h.harmless(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// summaryFile is the file for the summary of a step of GitHub Actions, empty for none.
func (c *ciSystems) summaryFile() string {
	if !c.github.on() {
		return ""
	}
	return os.Getenv("GITHUB_STEP_SUMMARY")
}
