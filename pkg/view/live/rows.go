// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"cmp"
	"math"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"tilt.dev/session/pkg/session"
	"tilt.dev/session/pkg/view"
)

// order is how rows are sorted.
type order uint8

const (
	orderTiltfile order = iota
	orderFailed
	orderTime
	orders
)

func (o order) word() string {
	return [...]string{"as in the Tiltfile", "failed first", "longest first"}[o]
}

// sort sorts rows that are in the order of the Tiltfile.
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

// places are the positions of resources in their Tiltfile.
type places map[string]int32

// sort sorts rows that are sorted by name. Those without a place, such as images, come last.
func (p places) sort(rows []*view.Row) {
	place := func(r *view.Row) int32 {
		if at, ok := p[r.Name]; ok {
			return at
		}
		return math.MaxInt32
	}
	slices.SortStableFunc(rows, func(a, b *view.Row) int { return cmp.Compare(place(a), place(b)) })
}

// locate asks for the places of the resources when there are others than before. Without an answer rows stay sorted by
// name.
func (m *Model) locate() tea.Cmd {
	located := slices.EqualFunc(m.located, m.rows, func(name string, r *view.Row) bool { return name == r.Name })
	if located {
		return nil
	}
	m.located = m.located[:0]
	for _, r := range m.rows {
		m.located = append(m.located, r.Name)
	}
	return m.request(func() (answer, error) {
		known := m.options.Source.Places(m.ctx)
		return func(m *Model) tea.Cmd {
			m.places = known
			m.arrange()
			return nil
		}, nil
	})
}
