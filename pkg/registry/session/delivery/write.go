// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apiserver/pkg/storage"
)

// maxWrites is how many writes are remembered. A watch that lags behind by more
// is held to the newest of them that concerns it.
const maxWrites = 256

// attributes are what selectors see of an object.
type attributes struct {
	labels labels.Set
	fields fields.Set
}

// selectedBy is false for an object that doesn't exist.
func (a *attributes) selectedBy(predicate *storage.SelectionPredicate) bool {
	return a != nil && predicate.MatchesObjectAttributes(a.labels, a.fields)
}

// write is a change of one object that was stored at version.
type write struct {
	version uint64
	name    string
	// before is nil for a creation, after for a deletion.
	before, after *attributes
}

// writes are the last ones, in the order of their versions.
type writes []write

// add returns the list with one more. Writes that happen at the same time may
// come in any order.
func (ws writes) add(w write) writes {
	at, _ := slices.BinarySearchFunc(ws, w.version, func(w write, version uint64) int {
		return cmp.Compare(w.version, version)
	})
	if ws = slices.Insert(ws, at, w); len(ws) == 2*maxWrites {
		ws = slices.Delete(ws, 0, maxWrites)
	}
	return ws
}

func (ws writes) newest() uint64 {
	if len(ws) == 0 {
		return 0
	}
	return ws[len(ws)-1].version
}

// lastFor returns the newest write of which a watch must be handed an event.
func (ws writes) lastFor(from *origin) (write, bool) {
	overwritten := map[string]bool{}
	for _, w := range slices.Backward(ws) {
		if from.concernedBy(&w, overwritten[w.name]) {
			return w, true
		}
		overwritten[w.name] = true
	}
	return write{}, false
}
