// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"testing"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apiserver/pkg/storage"
)

func predicate(label labels.Selector, field fields.Selector) storage.SelectionPredicate {
	return storage.SelectionPredicate{Label: label, Field: field}
}

func selecting(selector string) storage.SelectionPredicate {
	return predicate(labels.SelectorFromSet(labels.Set{"is": selector}), fields.Everything())
}

func is(value string) *attributes { return &attributes{labels: labels.Set{"is": value}} }

func TestLastWriteForAWatch(t *testing.T) {
	everything := predicate(labels.Everything(), fields.Everything())
	history := writes{
		{version: 2, name: "a", after: is("x")},
		{version: 4, name: "b", after: is("y")},
		{version: 6, name: "a", before: is("x"), after: is("y")},
		{version: 8, name: "b", before: is("y")},
	}
	for name, test := range map[string]struct {
		from origin
		want uint64
	}{
		"everything":                        {origin{predicate: everything}, 8},
		"everything, from the end":          {origin{predicate: everything, since: 8}, 0},
		"what a selected object has become": {origin{predicate: selecting("x")}, 6},
		"a deletion":                        {origin{predicate: selecting("y")}, 8},
		"nothing is selected":               {origin{predicate: selecting("z")}, 0},
		"before it began":                   {origin{predicate: selecting("x"), since: 6}, 0},
		"state: what is left":               {origin{predicate: everything, since: 8, state: true}, 6},
		"state: no longer selected":         {origin{predicate: selecting("x"), since: 8, state: true}, 0},
		"state: a change after it":          {origin{predicate: selecting("x"), since: 4, state: true}, 6},
		"state: overwritten by a deletion":  {origin{predicate: selecting("y"), since: 8, state: true}, 6},
	} {
		t.Run(name, func(t *testing.T) {
			switch got := history.lastFor(&test.from); {
			case got == nil && test.want != 0:
				t.Errorf("none, want %d", test.want)
			case got != nil && got.version != test.want:
				t.Errorf("%d, want %d", got.version, test.want)
			}
		})
	}
}

func TestWritesAreOrderedAndBounded(t *testing.T) {
	var ws writes
	const n = 5 * maxWrites
	for version := uint64(2); version <= n; version += 2 {
		// Concurrent writes are recorded in any order.
		ws = ws.add(write{version: version})
		ws = ws.add(write{version: version - 1})
		if len(ws) >= 2*maxWrites {
			t.Fatalf("%d writes are kept", len(ws))
		}
	}
	for i := 1; i < len(ws); i++ {
		if ws[i].version != ws[i-1].version+1 {
			t.Fatalf("%d after %d", ws[i].version, ws[i-1].version)
		}
	}
	if ws.newest() != n || len(ws) < maxWrites {
		t.Errorf("newest %d of %d", ws.newest(), len(ws))
	}
}
