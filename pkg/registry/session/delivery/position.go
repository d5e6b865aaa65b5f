// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"strconv"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/watch"
)

// position is how far a watch has come.
//
// Events come in the order of their versions, but for the state that a watch
// may begin with: its objects are ADDED in any order. That part ends with a
// bookmark or with the first event of another type.
type position struct {
	// reached is the version up to which all events were handed.
	reached uint64
	// state holds the versions of the objects of the first part, by name. It's
	// nil once that has ended.
	state map[string]uint64
}

func positionAt(origin *origin) position {
	if origin.state {
		return position{state: map[string]uint64{}}
	}
	return position{reached: origin.since}
}

// advance takes note of an event that was handed over. One that carries no
// version, such as an error, changes nothing.
func (p *position) advance(event watch.Event) {
	object, err := meta.Accessor(event.Object)
	if err != nil {
		return
	}
	version, err := strconv.ParseUint(object.GetResourceVersion(), 10, 64)
	if err != nil {
		return
	}
	if p.state != nil && event.Type == watch.Added {
		p.state[object.GetName()] = version
		return
	}
	p.state = nil
	p.reached = max(p.reached, version)
}

// passed tells whether the event of a write, or a later one of the same object,
// was handed over.
func (p *position) passed(w *write) bool {
	if p.state != nil {
		return p.state[w.name] >= w.version
	}
	return p.reached >= w.version
}
