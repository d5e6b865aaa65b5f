// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"fmt"
	"sync"
)

// ledger records writes and events of all objects.
type ledger struct {
	mu      sync.Mutex
	records map[string]*record
	// highest is the last version that a client received, watched the last one that the watch received.
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

// begin records that a write is tried. It returns the write before it, and a version that it has to exceed.
func (l *ledger) begin(name string, next func(last write) write) (before, tried write, version int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.record(name)
	before = r.last()
	tried = next(before)
	r.pending = &tried
	return before, tried, l.highest
}

// acknowledge records that the write in progress was acknowledged with a version, which a deletion doesn't have.
func (l *ledger) acknowledge(name string, version, before int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.record(name)
	done := *r.pending
	done.version = version
	if !done.deleted && version <= before {
		return fmt.Errorf("%s of %s was acknowledged, but the store was at %d before it began", done, name, before)
	}
	r.effective, r.pending = append(r.effective, done), nil
	l.highest = max(l.highest, version)
	l.summary.Acknowledged++
	return nil
}

// see records an event of the watch.
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

// resume returns the version from which the watch continues.
func (l *ledger) resume() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.watched
}

// check compares the objects after a restart with the acknowledged writes, and finds out which of the writes in
// progress took effect.
func (l *ledger) check(found map[string]Object, version int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if version < max(l.highest, l.watched) {
		return fmt.Errorf("the store is at version %d, and was at %d", version, max(l.highest, l.watched))
	}
	l.highest = version
	for name, object := range found {
		if l.records[name] == nil {
			return fmt.Errorf("there is an object %s, which no client has written", name)
		}
		if object.Version > version {
			return fmt.Errorf("%s has version %d, and the store is at %d", name, object.Version, version)
		}
	}
	for name, r := range l.records {
		object, exists := found[name]
		unknown := r.pending != nil
		took, err := r.resolve(object, exists)
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

// compare compares the events with the writes, and drops both once they are the same.
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

// missing describes a write whose event the watch has not received.
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
