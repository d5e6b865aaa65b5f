// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"strings"
	"testing"

	"tilt.dev/session/pkg/tiltfile/builtins"
)

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		name, source string
		set          func(*limits)
		want         string
	}{
		{
			"endless loop", "while True:\n    pass", func(l *limits) { l.steps = 100_000 },
			"Tiltfile:1:1: in <toplevel>\nError: the Tiltfile was stopped after 100000 steps",
		},
		{
			"endless recursion", "def f():\n    f()\nf()", func(l *limits) { l.callDepth = 100 },
			"nested more than 100 deep",
		},
		{
			"memory", "x = []\nwhile True:\n    x.append('a' * 10000)", func(l *limits) { l.heapGrowth = 16 << 20 },
			"keeps more than 16 MiB of memory",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEvaluation(t.Context(), tiltfile(t, c.source))
			c.set(&e.limits)
			_, err := e.project()
			requireError(t, err, KindEvaluation, c.want)
		})
	}
}

// TestNestedSource has the most nested sources that are small enough.
func TestNestedSource(t *testing.T) {
	for _, unit := range []string{"(", "not ", "x.", "()", "x+", "x*(", "x.join(", "x%[", "[x,"} {
		source := "x = 1\n" + strings.Repeat(unit, (builtins.MaxSourceSize-10)/len(unit)) + "x"
		_, err := Load(t.Context(), tiltfile(t, source))
		if err == nil {
			t.Errorf("no error for %q nested", unit)
		}
	}
	const start, end = "x = 1\ny = x", "\nlocal_resource('a', 'x')"
	sum := strings.Repeat("+x", (builtins.MaxSourceSize-len(start)-len(end))/2)
	if _, err := Load(t.Context(), tiltfile(t, start+sum+end)); err != nil {
		t.Error(err)
	}
}
