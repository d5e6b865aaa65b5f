// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import "fmt"

// write is one that was tried. Its version is 0 as long as that isn't known.
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

// left tells whether an object is as the write has left it.
func (w write) left(found Object, exists bool) bool {
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

// record is what is known of one object.
type record struct {
	// before is how the object was when all was compared last, and effective are the writes that took effect since.
	before    write
	effective []write
	// pending is a write whose outcome isn't known.
	pending *write
	// events are what the watch has seen since.
	events []Event
}

func (r *record) last() write {
	if len(r.effective) == 0 {
		return r.before
	}
	return r.effective[len(r.effective)-1]
}

// settle compares how a restart has found the object, and tells whether a write that was under way took effect.
func (r *record) settle(found Object, exists bool) (took bool, err error) {
	last, pending := r.last(), r.pending
	r.pending = nil
	switch {
	case pending == nil && !last.left(found, exists):
		return false, fmt.Errorf("found %s, and acknowledged was %s", describe(found, exists), last)
	case pending != nil && pending.left(found, exists):
		pending.version = found.Version
		r.effective = append(r.effective, *pending)
		return true, nil
	case !last.left(found, exists):
		return false, fmt.Errorf("found %s, which is neither the acknowledged %s nor %s, which was under way", describe(found, exists), last, *pending)
	}
	return false, nil
}

// compare holds the events against the writes that took effect, and tells whether all of them have come.
func (r *record) compare() (complete bool, err error) {
	previous := r.before
	for i, event := range r.events {
		if i == len(r.effective) {
			return false, fmt.Errorf("the watch has seen %s at version %d, which nobody has written or which was lost",
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

// forget is called when all is compared.
func (r *record) forget() {
	r.before, r.effective, r.events = r.last(), nil, nil
}
