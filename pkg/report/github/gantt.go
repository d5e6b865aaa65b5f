// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package github

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"tilt.dev/session/pkg/report"
)

// writeGantt writes a chart of when targets ran, in the order of their starts, unless there are too many. Those of the
// longest chain are marked.
func writeGantt(b *strings.Builder, r *report.Report) {
	var ran []*report.Target
	for i := range r.Targets {
		if !r.Targets[i].Started.IsZero() {
			ran = append(ran, &r.Targets[i])
		}
	}
	if len(ran) == 0 || len(ran) > maxGantt {
		return
	}
	slices.SortStableFunc(ran, func(x, y *report.Target) int { return x.Started.Compare(y.Started) })
	b.WriteString("```mermaid\ngantt\n  dateFormat x\n  axisFormat %M:%S\n")
	for _, t := range ran {
		start := max(0, t.Started.Sub(r.Start).Milliseconds())
		end := start + max(1, r.Ran(t).Milliseconds())
		tag := "done"
		switch {
		case t.Bad():
			tag = "active"
		case slices.ContainsFunc(r.Chain, func(l report.Link) bool { return l.Target == t.Name }):
			tag = "crit"
		}
		fmt.Fprintf(b, "  • %s :%s, %d, %d\n", chartName(t.Name), tag, start, end)
	}
	b.WriteString("```\n")
}

// chartName is a name without what has a meaning in a chart.
func chartName(name string) string {
	safe := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_./@-", r) {
			return r
		}
		return ' '
	}, name)
	return cmp.Or(strings.TrimSpace(safe), "target")
}
