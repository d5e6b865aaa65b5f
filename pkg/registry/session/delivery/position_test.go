// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"strconv"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

func event(kind watch.EventType, name string, version int) watch.Event {
	return watch.Event{Type: kind, Object: &metav1.PartialObjectMetadata{
		ObjectMeta: metav1.ObjectMeta{Name: name, ResourceVersion: strconv.Itoa(version)},
	}}
}

func TestPosition(t *testing.T) {
	for name, test := range map[string]struct {
		from   origin
		events []watch.Event
		passed []write
		ahead  []write
	}{
		"from a version": {
			from:   origin{since: 5},
			passed: []write{{version: 5, name: "a"}},
			ahead:  []write{{version: 6, name: "a"}},
		},
		"later events of any object": {
			from:   origin{since: 5},
			events: []watch.Event{event(watch.Modified, "b", 8)},
			passed: []write{{version: 6, name: "a"}, {version: 8, name: "b"}},
			ahead:  []write{{version: 9, name: "a"}},
		},
		"the state comes in any order": {
			from:   origin{since: 9, state: true},
			events: []watch.Event{event(watch.Added, "a", 7)},
			passed: []write{{version: 7, name: "a"}, {version: 6, name: "a"}},
			ahead:  []write{{version: 3, name: "b"}, {version: 8, name: "a"}},
		},
		"a bookmark ends the state": {
			from:   origin{since: 9, state: true},
			events: []watch.Event{event(watch.Added, "a", 7), event(watch.Bookmark, "", 9)},
			passed: []write{{version: 9, name: "b"}},
			ahead:  []write{{version: 10, name: "b"}},
		},
		"so does a change": {
			from:   origin{since: 9, state: true},
			events: []watch.Event{event(watch.Added, "a", 7), event(watch.Deleted, "a", 12), event(watch.Added, "c", 14)},
			passed: []write{{version: 11, name: "b"}, {version: 14, name: "c"}},
			ahead:  []write{{version: 15, name: "a"}},
		},
		"an error has no version": {
			from:   origin{since: 5},
			events: []watch.Event{{Type: watch.Error, Object: &metav1.Status{}}},
			ahead:  []write{{version: 6, name: "a"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := positionAt(&test.from)
			for _, e := range test.events {
				p.advance(e)
			}
			for _, w := range test.passed {
				if !p.passed(&w) {
					t.Errorf("%s at %d isn't passed", w.name, w.version)
				}
			}
			for _, w := range test.ahead {
				if p.passed(&w) {
					t.Errorf("%s at %d is passed", w.name, w.version)
				}
			}
		})
	}
}
