// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import "fmt"

// write is a write that was tried. Its version is 0 while it is unknown.
type write struct {
	deleted bool
	content string
	version int64
}

func (w write) String() string {
	if w.deleted {
		return "a deletion"
	}
	return fmt.Sprintf("version %d (%d bytes, %.20q)", w.version, len(w.content), w.content)
}

// matches reports whether an object is as the write made it.
func (w write) matches(found Object, exists bool) bool {
	if w.deleted || !exists {
		return w.deleted == !exists
	}
	return w.content == found.Content && (w.version == 0 || w.version == found.Version)
}

func describe(found Object, exists bool) string {
	if !exists {
		return "nothing"
	}
	return write{content: found.Content, version: found.Version}.String()
}

// record has the writes and events of one object.
type record struct {
	// before is the last write that was compared, and effective are the writes that took effect since.
	before    write
	effective []write
	// pending is a write whose outcome is unknown.
	pending *write
	// events are the events that the watch received since.
	events []Event
}

func (r *record) last() write {
	if len(r.effective) == 0 {
		return r.before
	}
	return r.effective[len(r.effective)-1]
}

// resolve compares the object after a restart, and reports whether a write in progress took effect.
func (r *record) resolve(found Object, exists bool) (took bool, err error) {
	last, pending := r.last(), r.pending
	r.pending = nil
	switch {
	case pending == nil && !last.matches(found, exists):
		return false, fmt.Errorf("found %s, and acknowledged was %s", describe(found, exists), last)
	case pending != nil && pending.matches(found, exists):
		pending.version = found.Version
		r.effective = append(r.effective, *pending)
		return true, nil
	case !last.matches(found, exists):
		return false, fmt.Errorf("found %s, which is neither the acknowledged %s nor %s, which was in progress", describe(found, exists), last, *pending)
	}
	return false, nil
}

// compare compares the events with the writes that took effect, and reports whether all events have come.
func (r *record) compare() (complete bool, err error) {
	previous := r.before
	for i, event := range r.events {
		if i == len(r.effective) {
			return false, fmt.Errorf("the watch has seen %s at version %d, which no client has written or which was lost",
				describe(event.Object, !event.Deleted), event.Version)
		}
		want := r.effective[i]
		content := want.content
		if want.deleted {
			content = previous.content
		}
		if event.Deleted != want.deleted || event.Content != content || want.version != 0 && event.Version != want.version {
			return false, fmt.Errorf("the watch has seen %s, and written was %s", describe(event.Object, !event.Deleted), want)
		}
		previous = want
	}
	return len(r.events) == len(r.effective), nil
}

// forget drops the writes and events after they were compared.
func (r *record) forget() {
	r.before, r.effective, r.events = r.last(), nil, nil
}
