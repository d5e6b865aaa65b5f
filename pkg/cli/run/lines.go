// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"errors"
	"io"
	"math"
	"slices"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/controller"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/session"
	"tilt.dev/session/pkg/view"
)

const (
	// maxUnprinted is how many snapshots are kept for a reader that is slower than the run. Later ones replace the last.
	maxUnprinted = 1000
	// catchUpTimeout bounds how long the end of a target is waited for before a later line of it.
	catchUpTimeout = 50 * time.Millisecond
)

// snapshots are those of a run that aren't printed yet. It is safe for concurrent use.
type snapshots struct {
	// wake gets a value when there is something to look at.
	wake chan struct{}

	mu   sync.Mutex
	run  controller.Run
	list []snapshot
}

// snapshot is a snapshot and the number of the line of the log that followed it.
type snapshot struct {
	*engine.Snapshot
	next uint64
}

// add adds a snapshot. It never blocks.
func (s *snapshots) add(run controller.Run, snap *engine.Snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run = run
	if len(s.list) == maxUnprinted {
		s.list = s.list[:maxUnprinted-1]
	}
	s.list = append(s.list, snapshot{snap, run.Logs().Next()})
	s.look()
}

// look wakes the printer.
func (s *snapshots) look() {
	select {
	case s.wake <- struct{}{}:
	default: // It is to look already.
	}
}

// take returns and removes the snapshots. If lines may follow the end of a target, it waits for the snapshot of that.
func (s *snapshots) take(ctx context.Context, catchUp bool) []snapshot {
	s.mu.Lock()
	run := s.run
	s.mu.Unlock()
	if catchUp && run != nil {
		ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
		_ = run.CatchUp(ctx) // Without it the order is as good as it can be.
		cancel()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.list
	s.list = nil
	return list
}

// lines is how the output of a run is written: for people or as JSON.
type lines interface {
	// Print takes lines, and reports whether a reader sees anything new.
	Print(logs.Batch) (shown bool, err error)
	// change writes what has become of a target.
	change(*v1alpha1.Target, time.Time) error
	// note writes a line about the run as a whole.
	note(text string, now time.Time) error
	// known tells what is known of the run.
	known(*engine.Snapshot) error
	Close() error
}

// printing prints the lines of a run and the changes of its targets between them. It is used by one goroutine.
type printing struct {
	*snapshots
	lines
	only    logs.Selection
	clock   clock.WithDelayedExecution
	style   view.Style
	changes view.Changes
	// unprinted are changes whose place among the lines has yet to come, next is the number after the last line.
	unprinted []placed
	next      uint64
	last      *engine.Snapshot
	silence   view.Silence
}

// placed is a change and the number of the line that follows it.
type placed struct {
	session.Change
	next uint64
}

// errBehind is the error of what had to end before all lines were printed.
var errBehind = errors.New("lines were written faster than they could be printed")

// hasty is a writer that fails with errBehind once its context is done.
type hasty struct {
	ctx context.Context
	io.Writer
}

func (w hasty) Write(p []byte) (int, error) {
	if w.ctx.Err() != nil {
		return 0, errBehind
	}
	return w.Writer.Write(p)
}

// print prints what a store has until it is closed. When ctx is done with lines left, it returns errBehind.
func (p *printing) print(ctx context.Context, store *logs.Store) error {
	p.next = 1
	p.silence.Break(p.clock.Now())
	timer := p.clock.AfterFunc(p.silence.Due().Sub(p.clock.Now()), p.look)
	defer timer.Stop()
	for batch := range store.Read(ctx, logs.Selection{Until: make(chan struct{}), Wake: p.wake}) {
		if err := p.add(ctx, batch); err != nil {
			return err
		}
		if batch.After() > 0 {
			continue
		}
		now := p.clock.Now()
		if err := p.tell(now); err != nil {
			return err
		}
		timer.Reset(max(p.silence.Due().Sub(now), time.Millisecond))
	}
	left := store.Next() - p.next
	p.next = math.MaxUint64
	if err := p.add(ctx, logs.Batch{}); err != nil {
		return err
	}
	if ctx.Err() != nil && left > 0 {
		return errBehind
	}
	return p.Close()
}

// add prints a batch, and what has changed before and within it.
func (p *printing) add(ctx context.Context, batch logs.Batch) error {
	for _, snap := range p.take(ctx, batch.Own()) {
		if err := p.known(snap.Snapshot); err != nil {
			return err
		}
		p.last = snap.Snapshot
		for _, change := range p.changes.Of(snap.Snapshot) {
			at := snap.next
			if change.EndLine > 0 {
				at = min(at, change.EndLine)
			}
			p.unprinted = append(p.unprinted, placed{change, at})
		}
	}
	p.next = max(p.next, batch.After())
	now := p.clock.Now()
	for ; len(p.unprinted) > 0 && p.unprinted[0].next <= p.next; p.unprinted = p.unprinted[1:] {
		before, rest := batch.Cut(p.unprinted[0].next)
		if err := p.printLines(before, now); err != nil {
			return err
		}
		if err := p.printChange(&p.unprinted[0].Target, now); err != nil {
			return err
		}
		batch = rest
	}
	return p.printLines(batch, now)
}

func (p *printing) printLines(batch logs.Batch, now time.Time) error {
	shown, err := p.lines.Print(batch.Only(p.only))
	if shown {
		p.silence.Break(now)
	}
	return err
}

func (p *printing) printChange(t *v1alpha1.Target, now time.Time) error {
	failed := session.PhaseOf(t.State) == session.PhaseFailed
	if p.only.Level > logs.LevelInfo && !failed {
		return nil
	}
	sources := session.LogSources(*t)
	if only := p.only.Sources; len(only) > 0 && !slices.Contains(only, sources[0]) {
		return nil
	}
	p.silence.Break(now)
	return p.change(t, now)
}

// tell says what the run waits for if it has been silent for long enough.
func (p *printing) tell(now time.Time) error {
	if now.Before(p.silence.Due()) || p.last == nil {
		return nil
	}
	p.silence.Tell(now)
	status := session.Undecidedly(p.last, &v1alpha1.Session{}, now)
	if text := p.style.StillWaiting(&status, now); text != "" {
		return p.note(text, now)
	}
	return nil
}

// people writes lines for people.
type people struct {
	*logs.Printer
	style view.Style
}

func (w people) change(t *v1alpha1.Target, now time.Time) error {
	text := w.style.Change(t)
	if text == "" {
		return nil
	}
	return w.PrintNote(view.ChangedAt(t, now), session.LogSources(*t)[0], text)
}

func (w people) Print(batch logs.Batch) (shown bool, err error) {
	return batch.After() > 0, w.Printer.Print(batch)
}

func (w people) note(text string, now time.Time) error { return w.PrintNote(now, "", text) }

func (w people) known(snap *engine.Snapshot) error {
	for i := range snap.Resources {
		if r := &snap.Resources[i]; !r.Disabled {
			w.Widen(r.Name)
		}
	}
	return nil
}
