// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/session"
)

// Find returns the row of a resource, of an image with or without model.ImagePrefix, or of a target. Without one it
// returns an error with the names that are alike, or with all if there are few.
func Find(s *v1alpha1.Session, name string) (*Row, error) {
	rows := Rows(s)
	if len(rows) == 0 {
		return nil, fmt.Errorf("no resource %q: the Session has none yet", name)
	}
	if row := rows[0].all.rowOf(name); row != nil {
		return row, nil
	}
	names := make([]string, len(rows))
	for i, row := range rows {
		names[i] = row.Name
	}
	return nil, fmt.Errorf("no resource %q%s", name, Suggestion(name, names))
}

// Chain are the rows of why a row waits, as session.Chain has it: first the row itself, last what holds all up. Two
// targets of one resource in a row are one.
func (r *Row) Chain() []*Row {
	chain := []*Row{r}
	for _, link := range session.Chain(r.status, r.Targets[0].Name) {
		if row := r.all.rowOf(link.Target.Name); row != nil && row != chain[len(chain)-1] {
			chain = append(chain, row)
		}
	}
	return chain
}

// Why explains a row in lines for people: its chain.
func Why(chain []*Row, style Style, now time.Time) string {
	width := 0
	for _, r := range chain {
		width = max(width, ansi.StringWidth(r.Name))
	}
	var b strings.Builder
	for _, r := range chain {
		state := r.State()
		if d := Duration(r.Time(now)); d != "" {
			state += " " + d
		}
		line := fmt.Sprintf("%s %s  %-16s  %s", style.Sign(r.Phase), pad(r.Name, width), state, style.Text(r.Why()))
		fmt.Fprintln(&b, strings.TrimRight(line, " "))
	}
	return b.String()
}
