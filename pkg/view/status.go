// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

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
		name, state = max(name, utf8.RuneCountInString(r.Name)), max(state, len(r.State()))
	}
	head, indent := "S  ", 2
	if style.ASCII {
		head, indent = "S    ", 4
	}
	fmt.Fprintf(&b, "\n%s%-*s  %-*s  %7s  %s\n", head, name, "NAME", state, "STATE", "TIME", "WHY / LAST LINE")
	for _, r := range rows {
		plain := Style{ASCII: style.ASCII}.Sign(r.Phase)
		line := fmt.Sprintf("%s%s%-*s  %-*s  %7s  %s", style.Sign(r.Phase),
			strings.Repeat(" ", indent+1-utf8.RuneCountInString(plain)), name, r.Name, state, r.State(),
			Duration(r.Time(now)), style.Text(text.Cut(r.Says(last(r.Name)), maxWhy)))
		fmt.Fprintln(&b, strings.TrimRight(line, " "))
	}
	return b.String()
}
