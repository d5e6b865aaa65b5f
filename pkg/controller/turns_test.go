// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"slices"
	"testing"
)

func TestTurns(t *testing.T) {
	turns := turns{free: 1}
	if !turns.take("a") {
		t.Fatal("nothing is free at first")
	}
	for _, name := range []string{"b", "c", "b", "b"} {
		if turns.take(name) {
			t.Errorf("%s has the turn of another one", name)
		}
	}
	// One that doesn't use its turn keeps nothing from the others.
	if got := turns.give(); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("%v may try again", got)
	}
	if !turns.take("c") || turns.take("b") {
		t.Error("the turn isn't that of the first one that takes it")
	}
	if got := turns.give(); !slices.Equal(got, []string{"b"}) {
		t.Errorf("%v may try again", got)
	}
	if got := turns.give(); len(got) != 0 {
		t.Errorf("%v may try again", got)
	}
}
