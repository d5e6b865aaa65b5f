// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"cmp"
	"slices"
	"time"

	"tilt.dev/session/pkg/session"
	"tilt.dev/session/pkg/view"
)

// order is how rows are sorted.
type order uint8

const (
	orderName order = iota
	orderFailed
	orderTime
	orders
)

func (o order) word() string { return [...]string{"by name", "failed first", "longest first"}[o] }

// sort sorts rows that are sorted by name.
func (o order) sort(rows []*view.Row, now time.Time) {
	slices.SortStableFunc(rows, func(a, b *view.Row) int {
		switch o {
		case orderFailed:
			return cmp.Compare(rank(a.Phase), rank(b.Phase))
		case orderTime:
			return cmp.Compare(b.Time(now), a.Time(now))
		}
		return 0
	})
}

// rank is lower for what a person wants to see first.
func rank(phase session.Phase) int {
	return slices.Index([]session.Phase{
		session.PhaseFailed, session.PhaseActive, session.PhaseWaiting, session.PhaseReady, session.PhaseSucceeded,
		session.PhaseInactive, session.PhaseDisabled,
	}, phase)
}

// rendition is the colour of a state's word, as parameters of SGR.
func rendition(phase session.Phase) string {
	switch phase {
	case session.PhaseFailed:
		return red
	case session.PhaseActive:
		return yellow
	case session.PhaseReady, session.PhaseSucceeded:
		return green
	}
	return faint
}
