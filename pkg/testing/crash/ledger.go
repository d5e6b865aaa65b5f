// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"fmt"
	"sync"
)

// ledger is what is known of all objects.
type ledger struct {
	mu      sync.Mutex
	records map[string]*record
	// highest is the last version that anybody was told of, watched the last one that the watch saw.
	highest, watched int64
	summary          Summary
}

func newLedger() *ledger { return &ledger{records: map[string]*record{}} }

func (l *ledger) record(name string) *record {
	if l.records[name] == nil {
		l.records[name] = &record{before: write{deleted: true}}
	}
	return l.records[name]
}

// begin notes that a write is tried. It returns how the object is before it, and a version that it has to exceed.
func (l *ledger) begin(name string, next func(last write) write) (before, tried write, version int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.record(name)
	before = r.last()
	tried = next(before)
	r.pending = &tried
	return before, tried, l.highest
}

// acknowledge notes that the write under way was acknowledged with a version, which a deletion doesn't have.
func (l *ledger) acknowledge(name string, version, before int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.record(name)
	done := *r.pending
	done.version = version
	if !done.deleted && version <= before {
		return fmt.Errorf("%s of %s was acknowledged, though the store was at %d before it began", done, name, before)
	}
	r.effective, r.pending = append(r.effective, done), nil
	l.highest = max(l.highest, version)
	l.summary.Acknowledged++
	return nil
}

// see notes what the watch sees.
func (l *ledger) see(event Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if event.Version <= l.watched {
		return fmt.Errorf("the watch has seen version %d of %s after version %d", event.Version, event.Name, l.watched)
	}
	l.watched = event.Version
	r := l.record(event.Name)
	r.events = append(r.events, event)
	l.summary.Watched++
	return nil
}

// resume is where the watch goes on.
func (l *ledger) resume() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.watched
}

// check holds what a restart has found against what was acknowledged, and
// learns what became of the writes that were under way.
func (l *ledger) check(found map[string]Object, version int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if version < max(l.highest, l.watched) {
		return fmt.Errorf("the store is at version %d, and was at %d", version, max(l.highest, l.watched))
	}
	l.highest = version
	for name, object := range found {
		if l.records[name] == nil {
			return fmt.Errorf("there is an object %s, which nobody has written", name)
		}
		if object.Version > version {
			return fmt.Errorf("%s has version %d, and the store is at %d", name, object.Version, version)
		}
	}
	for name, r := range l.records {
		object, exists := found[name]
		unknown := r.pending != nil
		took, err := r.settle(object, exists)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		switch {
		case took:
			l.summary.Found++
		case unknown:
			l.summary.Lost++
		}
	}
	return nil
}

// compare holds what the watch has seen against what was written, and forgets both once they are the same.
func (l *ledger) compare() (complete bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	complete = true
	for name, r := range l.records {
		all, err := r.compare()
		if err != nil {
			return false, fmt.Errorf("%s: %w", name, err)
		}
		complete = complete && all
	}
	if complete {
		for _, r := range l.records {
			r.forget()
		}
	}
	return complete, nil
}

// missing describes a write that the watch hasn't seen.
func (l *ledger) missing() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, r := range l.records {
		if len(r.events) < len(r.effective) {
			return fmt.Sprintf("%s of %s, after version %d", r.effective[len(r.events)], name, l.watched)
		}
	}
	return "nothing"
}
