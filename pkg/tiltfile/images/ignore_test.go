// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"testing"

	"github.com/moby/patternmatcher"
)

// TestOnly checks which files only= leaves out.
func TestOnly(t *testing.T) {
	for _, c := range []struct {
		only      []string
		file      string
		leavesOut bool
	}{
		{nil, "a", false},
		{[]string{"."}, "a", false},
		{[]string{"a", "/ctx"}, "b", false},
		{[]string{"a"}, "a", false},
		{[]string{"a"}, "a/b/c", false},
		{[]string{"a"}, "ab", true},
		{[]string{"a/b"}, "a/c", true},
		{[]string{"/ctx/a"}, "a/b", false},
		{[]string{"/a/"}, "a/b", false},
		{[]string{"./a/../b"}, "b", false},
		{[]string{"p/[id]/?"}, "p/[id]/?", false},
		{[]string{"p/[id]"}, "p/i", true},
		{[]string{`a\b`}, `a\b`, false},
		{[]string{"a b"}, "a b/c", false},
	} {
		matcher, err := patternmatcher.New(onlyPatterns("/ctx", c.only))
		if err != nil {
			t.Errorf("%q: %v", c.only, err)
			continue
		}
		if got, err := matcher.MatchesOrParentMatches(c.file); err != nil || got != c.leavesOut {
			t.Errorf("only %q leaves out %q: %t, %v, want %t", c.only, c.file, got, err, c.leavesOut)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     int
	}{{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"web", "web", 0}, {"web", "wep", 1}, {"web", "webs", 1}, {"kitten", "sitting", 3}} {
		if got := distance(c.from, c.to); got != c.want {
			t.Errorf("%q to %q: got %d, want %d", c.from, c.to, got, c.want)
		}
	}
}
