// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"strings"
	"testing"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/tiltfile/builtins"
)

// TestDeepValues prints, encodes and freezes values that are nested so deeply that recursion would overflow the stack.
func TestDeepValues(t *testing.T) {
	const list = "t = []\nfor _ in range(30000):\n    t = [t]\n"
	const tuple = "t = ()\nfor _ in range(30000):\n    t = (t,)\n"
	for _, source := range []string{
		list,
		tuple + "print(t)",
		tuple + "str(t)",
		list + "repr(t)",
		list + "print('', sep=t)",
		list + "fail(msg=t)",
		list + "warn({'a': struct(b=t)})",
		list + "exit(t)",
		list + "encode_json(t)",
		tuple + "encode_json({t: 1})",
		list + "encode_yaml(t)",
		list + "encode_yaml_stream([t])",
		list + "shallow = [[t], t, []]\nt = []\nprint(shallow)",
		"def f():\n    t = []\n    for _ in range(30000):\n        t = [t]\n    return lambda: t\ng = f()",
		"t = []\nfor _ in range(30000):\n    t = {'a': t}\nt = module('m', x=t)",
		"t = []\nfor _ in range(30000):\n    t = [t]\nt = t.append",
	} {
		_, err := Load(t.Context(), tiltfile(t, source+"\nlocal_resource('a', 'x')"))
		requireError(t, err, KindEvaluation, "a value is nested more than 20000 deep")
	}
}

// TestValuesThatContainThemselves prints and encodes them.
func TestValuesThatContainThemselves(t *testing.T) {
	const values = `
l = []
l.append(l)
d = {}
d['d'] = [d]
inner = []
s = struct(a=inner)
inner.append({'s': s})
`
	var log strings.Builder
	options := tiltfile(t, values+`
print(l, d)
print(s, '%s' % s)
print(str(s), '{}'.format(inner))
local_resource('a', 'x')
`)
	options.Log = func(_ logs.Level, text string) { log.WriteString(text + "\n") }
	if _, err := Load(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	const shown = `struct(a = [{"s": struct(...)}])`
	const list = `[{"s": struct(a = [{"s": struct(...)}])}]`
	want := "[[...]] {\"d\": [{...}]}\n" + shown + " " + shown + "\n" + shown + " " + list + "\n"
	if log.String() != want {
		t.Errorf("got %s, want %s", log.String(), want)
	}
	for _, encode := range []string{"encode_json(l)", "encode_yaml(d)", "encode_json([l])"} {
		_, err := Load(t.Context(), tiltfile(t, values+encode))
		requireError(t, err, KindEvaluation, "or contains itself")
	}
}

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
