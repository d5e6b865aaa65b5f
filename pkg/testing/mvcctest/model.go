// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package mvcctest compares a store with the interface of etcd with a model, including restarts and failed commits.
package mvcctest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// model is a store in the simplest form: a copy of all keys for each revision.
type model struct {
	rev       int64
	compacted int64
	at        map[int64]map[string]mvccpb.KeyValue
}

func newModel() *model {
	return &model{rev: 1, at: map[int64]map[string]mvccpb.KeyValue{1: {}}}
}

// change applies puts (with a value) and deletions (nil) as one revision, if they change anything.
func (m *model) change(changes map[string]*string) {
	after := maps.Clone(m.at[m.rev])
	changed := false
	for key, value := range changes {
		before, exists := after[key]
		switch {
		case value != nil:
			kv := mvccpb.KeyValue{Key: []byte(key), Value: []byte(*value), CreateRevision: m.rev + 1, ModRevision: m.rev + 1, Version: 1}
			if exists {
				kv.CreateRevision, kv.Version = before.CreateRevision, before.Version+1
			}
			after[key], changed = kv, true
		case exists:
			delete(after, key)
			changed = true
		}
	}
	if changed {
		m.rev++
		m.at[m.rev] = after
	}
}

// skip adds a revision that changes nothing.
func (m *model) skip() {
	m.at[m.rev+1] = m.at[m.rev]
	m.rev++
}

func (m *model) put(key, value string) { m.change(map[string]*string{key: &value}) }

func (m *model) delete(keys ...string) {
	changes := map[string]*string{}
	for _, key := range keys {
		changes[key] = nil
	}
	m.change(changes)
}

func (m *model) compact(rev int64) error {
	switch {
	case rev <= m.compacted:
		return rpctypes.ErrCompacted
	case rev > m.rev:
		return rpctypes.ErrFutureRev
	}
	m.compacted = rev
	return nil
}

// list returns the keys below a prefix at a revision (0: the latest), in order.
func (m *model) list(rev int64, prefix string) ([]mvccpb.KeyValue, error) {
	switch {
	case rev == 0:
		rev = m.rev
	case rev > m.rev:
		return nil, rpctypes.ErrFutureRev
	case rev < m.compacted:
		return nil, rpctypes.ErrCompacted
	}
	var kvs []mvccpb.KeyValue
	for _, key := range slices.Sorted(maps.Keys(m.at[rev])) {
		if strings.HasPrefix(key, prefix) {
			kvs = append(kvs, m.at[rev][key])
		}
	}
	return kvs, nil
}

// events are the changes from a revision on, below a prefix, as text.
func (m *model) events(from int64, prefix string) []string {
	var events []string
	for rev := max(from, 2); rev <= m.rev; rev++ {
		before, after := m.at[rev-1], m.at[rev]
		var ofRevision []string
		for key, kv := range after {
			if kv.ModRevision == rev && strings.HasPrefix(key, prefix) {
				ofRevision = append(ofRevision, EventText(rev, "PUT", key, string(kv.Value), string(before[key].Value)))
			}
		}
		for key, kv := range before {
			if _, still := after[key]; !still && strings.HasPrefix(key, prefix) {
				ofRevision = append(ofRevision, EventText(rev, "DELETE", key, "", string(kv.Value)))
			}
		}
		slices.Sort(ofRevision) // the order within a revision is not specified
		events = append(events, ofRevision...)
	}
	return events
}

// EventText returns an event as text.
func EventText(rev int64, kind, key, value, previous string) string {
	return fmt.Sprintf("%d %s %s=%q was %q", rev, kind, key, value, previous)
}

// EventTexts returns the events of a watch as text, those of a revision sorted.
func EventTexts(events []*clientv3.Event) []string {
	var texts []string
	for i := 0; i < len(events); {
		rev := events[i].Kv.ModRevision
		var ofRevision []string
		for ; i < len(events) && events[i].Kv.ModRevision == rev; i++ {
			event, previous := events[i], ""
			if event.PrevKv != nil {
				previous = string(event.PrevKv.Value)
			}
			ofRevision = append(ofRevision, EventText(rev, event.Type.String(), string(event.Kv.Key), string(event.Kv.Value), previous))
		}
		slices.Sort(ofRevision)
		texts = append(texts, ofRevision...)
	}
	return texts
}
