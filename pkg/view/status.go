// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/text"
)

// maxWhy is how many characters of a reason or of a last line a printed table shows.
const maxWhy = 100

// Status is a Session as a printed table: its summary, and a row for each resource, with the last line of its
// output where it says more than its state. It ends with a newline.
func Status(s *v1alpha1.Session, last func(resource string) string, style Style, now time.Time) string {
	sum := Summarize(s, now)
	var b strings.Builder
	fmt.Fprintln(&b, sum)
	if sum.Error != "" {
		fmt.Fprintf(&b, "%s\n", style.Paint(red, sum.Error))
	}
	rows := Rows(s)
	if len(rows) == 0 {
		return b.String()
	}
	name, state := len("NAME"), len("STATE")
	for _, r := range rows {
		name, state = max(name, ansi.StringWidth(r.Name)), max(state, len(r.State()))
	}
	head, indent := "S  ", 2
	if style.ASCII {
		head, indent = "S    ", 4
	}
	fmt.Fprintf(&b, "\n%s%-*s  %-*s  %7s  %s\n", head, name, "NAME", state, "STATE", "TIME", "WHY / LAST LINE")
	for _, r := range rows {
		plain := Style{ASCII: style.ASCII}.Sign(r.Phase)
		line := fmt.Sprintf("%s%s%s  %-*s  %7s  %s", style.Sign(r.Phase),
			strings.Repeat(" ", indent+1-ansi.StringWidth(plain)), pad(r.Name, name), state, r.State(),
			Duration(r.Time(now)), style.Text(text.Cut(r.Says(last(r.Name)), maxWhy)))
		fmt.Fprintln(&b, strings.TrimRight(line, " "))
	}
	return b.String()
}

// pad is a text of at least a width of the terminal's columns.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-ansi.StringWidth(text)))
}
