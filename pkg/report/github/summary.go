// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package github

import (
	"fmt"
	"html"
	"slices"
	"strings"
	"time"

	"tilt.dev/session/pkg/report"
	"tilt.dev/session/pkg/text"
	"tilt.dev/session/pkg/view"
)

const (
	// maxSummary is how many bytes a summary has, at most. GitHub refuses all summaries of a step of more than 1 MiB, and
	// some of its servers more than 128 KiB.
	maxSummary = 100 << 10
	// maxCell is how many characters a cell of a table has, and maxLine a line of output.
	maxCell, maxLine = 200, 300
	// maxGantt is how many targets a chart is readable with.
	maxGantt = 50
)

// detail is how much a summary says.
type detail struct {
	// lines are those of the output of each bad target, chart and good whether there is a chart and a row for each good
	// target, and bad how many bad targets are listed.
	lines       int
	chart, good bool
	bad         int
}

// Summary is a report in GitHub's Markdown. A large run has less detail: fewer lines of output, then no rows of
// targets that are fine, then only the first failures.
func Summary(r *report.Report) string {
	d := detail{lines: 50, chart: true, good: true, bad: len(r.Targets)}
	for {
		s := summary(r, d)
		switch {
		case len(s) <= maxSummary:
			return s
		case d.lines > 0:
			d.lines /= 2
		case d.good || d.chart:
			d.good, d.chart = false, false
		default:
			d.bad /= 2
		}
	}
}

func summary(r *report.Report, d detail) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## %s %s\n\n", sign(r), inline(r.VerdictLine(), maxLine))
	writeFailures(&b, r, d)
	writeTargets(&b, r, d)
	if len(r.Chain) > 0 {
		fmt.Fprintf(&b, "**%s**\n\n", inline(r.ChainLine(), 1000))
	}
	if d.chart {
		writeGantt(&b, r)
	}
	return b.String()
}

func sign(r *report.Report) string {
	if r.Green() {
		return "✅"
	}
	return "❌"
}

// writeFailures writes what a person has to know of each bad target, with its output folded.
func writeFailures(b *strings.Builder, r *report.Report, d detail) {
	all := r.Wrong()
	if len(all) == 0 {
		if !r.Green() && r.Error != "" {
			b.WriteString(block(strings.Split(text.Cut(text.PrintableLines(strings.TrimSpace(r.Error)), 4000), "\n")) + "\n")
		}
		return
	}
	b.WriteString("| Failed | Why | After |\n|---|---|---|\n")
	for _, t := range all[:min(d.bad, len(all))] {
		fmt.Fprintf(b, "| %s | %s | %s |\n",
			inline(t.Name, maxCell), inline(reason(t), maxCell), took(r.Ran(t)))
	}
	if more := len(all) - d.bad; more > 0 {
		fmt.Fprintf(b, "\nand %d more\n", more)
	}
	b.WriteByte('\n')
	if d.lines == 0 {
		return
	}
	for _, t := range all {
		if b.Len() > maxSummary {
			return // There will be another one with less detail.
		}
		title := fmt.Sprintf("%s %s", t.Name, ended(t))
		fmt.Fprintf(b, "<details><summary>%s</summary>\n\n", html.EscapeString(text.Plain(title)))
		for _, fact := range facts(r, t) {
			fmt.Fprintf(b, "- %s: %s\n", fact[0], code(text.Cut(fact[1], maxLine)))
		}
		b.WriteByte('\n')
		var lines []string
		for _, line := range t.Log[max(0, len(t.Log)-d.lines):] {
			lines = append(lines, text.Cut(text.Printable(line.Text), maxLine))
		}
		if len(lines) > 0 {
			b.WriteString(block(lines))
		}
		b.WriteString("\n</details>\n\n")
	}
}

// facts are what is known of a bad target besides its output.
func facts(r *report.Report, t *report.Target) (all [][2]string) {
	for _, fact := range [][2]string{
		{"command", t.Command}, {"directory", t.Directory}, {"defined at", r.Where(t)},
		{"held back", strings.Join(t.HeldBack, ", ")},
	} {
		if fact[1] != "" {
			all = append(all, fact)
		}
	}
	return all
}

func writeTargets(b *strings.Builder, r *report.Report, d detail) {
	var rows strings.Builder
	omitted, wrong := 0, r.Wrong()
	for i := range r.Targets {
		t := &r.Targets[i]
		if slices.Contains(wrong, t) {
			continue
		}
		if !d.good {
			omitted++
			continue
		}
		why := t.WaitReason
		if len(t.HeldBackBy) > 0 {
			why = "held back by " + strings.Join(t.HeldBackBy, ", ")
		}
		fmt.Fprintf(&rows, "| %s | %s | %s | %s | %s | %s |\n", inline(t.Name, maxCell), t.Type, t.State,
			took(t.Waited()), took(r.Ran(t)), inline(why, maxCell))
	}
	if omitted > 0 {
		fmt.Fprintf(b, "%d other targets aren't listed.\n\n", omitted)
	}
	if rows.Len() > 0 {
		b.WriteString("| Target | Type | State | Waited | Took | Detail |\n|---|---|---|---|---|---|\n")
		b.WriteString(rows.String() + "\n")
	}
}

// took is a duration, empty for none.
func took(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return view.Duration(d)
}
