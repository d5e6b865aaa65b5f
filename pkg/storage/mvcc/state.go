// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"bytes"
	"slices"
	"sort"
	"time"

	"github.com/google/btree"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// treeDegree keeps the nodes small, because each revision copies the nodes on
// the paths to the keys that it changes.
const treeDegree = 8

// tree maps keys to their current version. A published tree is immutable; changes are made to its clones.
type tree = btree.BTreeG[*mvccpb.KeyValue]

func newTree() *tree {
	return btree.NewG(treeDegree, func(a, b *mvccpb.KeyValue) bool {
		return bytes.Compare(a.Key, b.Key) < 0
	})
}

// revision is what one revision changed, and the contents of the store after it.
type revision struct {
	at     time.Time
	events []*clientv3.Event
	size   int64
	tree   *tree
	bare   bool // restored without its events
}

func newRevision(at time.Time, events []*clientv3.Event, after *tree) revision {
	r := revision{at: at, events: events, tree: after}
	for _, event := range events {
		r.size += eventSize(event)
	}
	return r
}

// standsAlone reports whether a watch can start with the revision although the
// history before it, including the values that it replaced, is gone.
func (r *revision) standsAlone() bool {
	return !r.bare && !slices.ContainsFunc(r.events, func(e *clientv3.Event) bool { return e.PrevKv != nil })
}

// state is everything that readers see. A published state is immutable. States share the array of their histories:
// each appends beyond the length of its predecessors.
type state struct {
	rev       int64
	compacted int64
	size      int64 // of the history
	history   []revision
}

// oldest returns the first revision of the history.
func (s *state) oldest() int64 { return s.rev - int64(len(s.history)) + 1 }

func (s *state) latest() *tree { return s.history[len(s.history)-1].tree }

// at returns the contents at a revision; 0 is the latest.
func (s *state) at(rev int64) (*tree, error) {
	switch oldest := s.oldest(); {
	case rev <= 0:
		return s.latest(), nil
	case rev > s.rev:
		return nil, rpctypes.ErrFutureRev
	case rev < oldest:
		return nil, rpctypes.ErrCompacted
	default:
		return s.history[rev-oldest].tree, nil
	}
}

// knows reports whether the history has all changes from a revision on.
func (s *state) knows(from int64) bool {
	oldest := s.oldest()
	return from > oldest || from == oldest && s.history[0].standsAlone()
}

// changes returns the events in a range from a revision on, and the last revision that they cover. They stop early,
// after a whole revision, when maxEvents or maxBytes is reached.
func (s *state) changes(from int64, in keyRange, maxEvents int, maxBytes int64) (events []*clientv3.Event, upTo int64) {
	oldest := s.oldest()
	var size int64
	for rev := max(from, oldest); rev <= s.rev; rev++ {
		for _, event := range s.history[rev-oldest].events {
			if in.contains(event.Kv.Key) {
				events = append(events, event)
				size += eventSize(event)
			}
		}
		if len(events) >= maxEvents || size >= maxBytes {
			return events, rev
		}
	}
	return events, s.rev
}

// with returns the state after further revisions, with its history cut to the
// limits, and the revisions that this passed: those up to the new oldest one.
func (s *state) with(revisions []revision, limits limits) (next *state, passed []revision) {
	if len(revisions) == 0 {
		return s, nil
	}
	grown := *s
	for _, r := range revisions {
		grown.push(r)
	}
	return &grown, grown.trim(limits)
}

// push appends a revision to a state that isn't published yet.
func (s *state) push(r revision) {
	s.rev++
	s.size += r.size
	s.history = append(s.history, r)
}

// trim cuts the history of a state that isn't published yet.
func (s *state) trim(limits limits) (passed []revision) {
	drop := 0
	for ; drop < len(s.history)-1; drop++ {
		if len(s.history)-drop <= limits.revisions && s.size <= limits.bytes {
			break
		}
		s.size -= s.history[drop].size
	}
	if drop > 0 {
		passed = s.history[1 : drop+1]
		s.history = s.history[drop:]
		s.compacted = s.oldest()
	}
	return passed
}

// compact returns the state without the history before a revision, and the
// revisions up to that one. It copies the rest, so that the memory is freed.
func (s *state) compact(rev int64) (next *state, passed []revision) {
	drop := rev - s.oldest()
	next = &state{rev: s.rev, compacted: rev, size: s.size}
	for _, r := range s.history[:drop] {
		next.size -= r.size
	}
	next.history = append([]revision(nil), s.history[drop:]...)
	return next, s.history[1 : drop+1]
}

// forgotten returns the versions that cannot be read once the last of the given
// revisions is the oldest: those that they replaced, and their deletions.
func forgotten(passed []revision) []Version {
	var versions []Version
	for _, r := range passed {
		for _, event := range r.events {
			if event.PrevKv != nil {
				versions = append(versions, Version{event.PrevKv.Key, event.PrevKv.ModRevision})
			}
			if event.Type == clientv3.EventTypeDelete {
				versions = append(versions, Version{event.Kv.Key, event.Kv.ModRevision})
			}
		}
	}
	return versions
}

// asOf returns the last revision made at or before a moment, or the oldest.
func (s *state) asOf(moment time.Time) int64 {
	after := sort.Search(len(s.history), func(i int) bool { return s.history[i].at.After(moment) })
	return s.oldest() + int64(max(after-1, 0))
}

func eventSize(event *clientv3.Event) int64 {
	return int64(len(event.Kv.Key) + len(event.Kv.Value))
}

// keyRange is a set of keys as in etcd's requests: the key alone if end is
// empty, all keys from it on if end is "\x00", otherwise [key, end).
type keyRange struct {
	key, end []byte
}

func (r keyRange) single() bool { return len(r.end) == 0 }

func (r keyRange) unbounded() bool { return len(r.end) == 1 && r.end[0] == 0 }

func (r keyRange) contains(key []byte) bool {
	switch {
	case r.single():
		return bytes.Equal(key, r.key)
	case r.unbounded():
		return bytes.Compare(key, r.key) >= 0
	default:
		return bytes.Compare(key, r.key) >= 0 && bytes.Compare(key, r.end) < 0
	}
}

// ascend calls visit for each key of a tree in the range, in order, until visit returns false.
func (r keyRange) ascend(t *tree, visit func(*mvccpb.KeyValue) bool) {
	from := &mvccpb.KeyValue{Key: r.key}
	switch {
	case r.single():
		if kv, ok := t.Get(from); ok {
			visit(kv)
		}
	case r.unbounded():
		t.AscendGreaterOrEqual(from, visit)
	default:
		t.AscendRange(from, &mvccpb.KeyValue{Key: r.end}, visit)
	}
}
