// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package html

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/report"
	"tilt.dev/session/pkg/session"
	"tilt.dev/session/pkg/text"
	"tilt.dev/session/pkg/view"
)

const (
	// maxText is how many characters of a long text are shown, maxDetail of one in the table.
	maxText, maxDetail = 4000, 200
	// maxOpen is how many failures show their output at first.
	maxOpen = 10
)

// content is what the page shows. Its texts are not escaped.
type content struct {
	Policy                   string
	Style                    template.CSS
	Script                   template.JS
	Verdict, Tiltfile, Began string
	Counts, Error, ChainLine string
	Good, Chain              bool
	Bad                      []failure
	Timeline                 *timeline
	Targets                  []row
	Logs                     []log
	TiltfileLog              log
	Environment              []fact
}

// failure is a target that failed or is unfinished.
type failure struct {
	Number               int
	Title, Reason, Class string
	Facts                []fact
	log
}

// fact is something known by a name. Code is true for what a person may copy.
type fact struct {
	Name, Value string
	Code        bool
}

// log are the last lines of a target.
type log struct {
	Name, State string
	LogTitle    string
	Open        bool
	Missing     uint64
	Lines       int
	Text        string
}

// row is a target in the table.
type row struct {
	Name, Type, State, Class, Sign string
	Waited, Took, Detail           string
}

func newContent(r *report.Report, env Environment, most limits) *content {
	c := &content{
		Policy: policy(), Style: template.CSS(style), Script: template.JS(script),
		Verdict: text.Plain(r.VerdictLine()), Tiltfile: r.Tiltfile, Began: r.Start.UTC().Format("2006-01-02 15:04:05 UTC"),
		Good: r.Green(), Chain: len(r.Chain) > 0, Timeline: newTimeline(r),
	}
	if c.Chain {
		c.ChainLine = r.ChainLine()
	}
	bad := r.Wrong()
	for i := range r.Targets {
		t := &r.Targets[i]
		c.Targets = append(c.Targets, newRow(r, t))
		if !slices.Contains(bad, t) && !t.Tiltfile {
			if l := newLog(t.Name, t.State, t.Log, t.Missing, most.good); l.Lines > 0 {
				l.LogTitle = fmt.Sprintf("%s (%s)", t.Name, t.State)
				c.Logs = append(c.Logs, l)
			}
		}
	}
	for i, t := range bad {
		c.Bad = append(c.Bad, newFailure(r, t, i+1, most.bad))
	}
	if len(bad) == 0 && !c.Good {
		c.Error = text.Cut(text.PrintableLines(strings.TrimSpace(r.Error)), maxText)
	}
	c.Counts = counts(r)
	c.TiltfileLog = newLog("", "", r.TiltfileLog, 0, max(most.bad, 20))
	c.TiltfileLog.LogTitle = fmt.Sprintf("last %d lines of its log", c.TiltfileLog.Lines)
	for _, f := range []fact{
		{Name: "tilt-session", Value: r.Version}, {Name: "system", Value: env.System},
		{Name: "processors", Value: strconv.Itoa(env.CPUs)}, {Name: "Go", Value: env.Go},
		{Name: "git revision", Value: env.Revision}, {Name: "exit code", Value: strconv.Itoa(r.ExitCode)},
	} {
		if f.Value != "" {
			c.Environment = append(c.Environment, f)
		}
	}
	return c
}

// output is how many bytes the output of targets has.
func (c *content) output() (n int) {
	for i := range c.Bad {
		n += len(c.Bad[i].Text)
	}
	for i := range c.Logs {
		n += len(c.Logs[i].Text)
	}
	return n
}

// counts says how many targets there are of each state, the most frequent first.
func counts(r *report.Report) string {
	of := map[string]int{}
	for i := range r.Targets {
		of[r.Targets[i].State]++
	}
	var words []string
	for state, n := range of {
		words = append(words, fmt.Sprintf("%d %s", n, state))
	}
	slices.SortFunc(words, func(a, b string) int {
		_, stateA, _ := strings.Cut(a, " ")
		_, stateB, _ := strings.Cut(b, " ")
		return cmp.Or(of[stateB]-of[stateA], strings.Compare(stateA, stateB))
	})
	return fmt.Sprintf("%d targets: %s", len(r.Targets), strings.Join(words, ", "))
}

func newFailure(r *report.Report, t *report.Target, number, most int) failure {
	reason := strings.TrimSpace(cmp.Or(t.Error, t.WaitReason))
	f := failure{
		Number: number, Class: class(t), Reason: text.Cut(text.PrintableLines(reason), maxText),
		log: newLog(t.Name, t.State, t.Log, t.Missing, most),
	}
	f.Title = t.Name + " " + ended(t, took(r.Ran(t)))
	f.Open = number <= maxOpen
	f.LogTitle = fmt.Sprintf("last %d lines", f.Lines)
	exit := t.Signal
	if t.ExitCode != nil {
		exit = strconv.Itoa(int(*t.ExitCode))
	}
	for _, fact := range []fact{
		{"command", t.Command, true}, {"directory", t.Directory, true}, {"defined at", r.Where(t), true},
		{"exit code or signal", exit, false}, {"held back", strings.Join(t.HeldBack, ", "), false},
	} {
		if fact.Value = text.Cut(text.PrintableLines(fact.Value), maxText); fact.Value != "" {
			f.Facts = append(f.Facts, fact)
		}
	}
	return f
}

// ended says how a bad target that ran so long was at the end.
func ended(t *report.Target, took string) string {
	switch {
	case t.Phase == session.PhaseFailed && took != "":
		return "failed after " + took
	case t.Phase == session.PhaseFailed:
		return "failed"
	case took != "":
		return "was " + t.State + " for " + took
	}
	return "was " + t.State
}

func newRow(r *report.Report, t *report.Target) row {
	row := row{
		Name: t.Name, Type: string(t.Type), State: t.State, Sign: sign(t), Class: class(t),
		Waited: took(t.Waited()), Took: took(r.Ran(t)),
		Detail: cmp.Or(text.Plain(text.ErrorLine(t.Error)), t.WaitReason),
	}
	if len(t.HeldBackBy) > 0 {
		row.Detail = "held back by " + strings.Join(t.HeldBackBy, ", ")
	}
	if t.Restarts > 0 {
		row.Detail = strings.TrimPrefix(fmt.Sprintf("%s, %d more attempts", row.Detail, t.Restarts), ", ")
	}
	row.Detail = text.Cut(row.Detail, maxDetail)
	return row
}

// newLog are at most so many of the last lines.
func newLog(name, state string, all []logs.Line, missing uint64, most int) log {
	omitted := max(0, len(all)-most)
	l := log{Name: name, State: state, Missing: missing + uint64(omitted), Lines: len(all) - omitted}
	var b strings.Builder
	for _, line := range all[omitted:] {
		b.WriteString(text.Cut(text.Printable(line.Text), maxText) + "\n")
	}
	l.Text = b.String()
	return l
}

// took is a duration, empty for none.
func took(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return view.Duration(d)
}
