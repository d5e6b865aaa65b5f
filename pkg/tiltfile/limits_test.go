// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"strings"
	"testing"
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
			"needs more than 16 MiB of memory",
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

// TestLargeResults has single operations whose results would be endless or
// larger than memory.
func TestLargeResults(t *testing.T) {
	for _, c := range []struct{ source, want string }{
		{"'x' * 1000000000", "Tiltfile:1:5: in <toplevel>\nError: the result is too large: a string of more than 67108864 bytes"},
		{"1000000000 * b'x'", "too large: a bytes"},
		{"[0] * 1000000000", "too large: a list of more than 1048576 elements"},
		{"(0,) * (1 << 500)", "too large: a tuple"},
		{"x = 'x'\nx *= 1000000000", "Tiltfile:2:3: in <toplevel>\nError: the result is too large"},
		{"x = 'x'\nfor i in range(40): x += x", "too large: a string"},
		{"x = 'x'\nfor i in range(40): x = x + x", "too large: a string"},
		{"x = [1]\nfor i in range(40): x += x", "too large: a list"},
		{"x = [1]\nfor i in range(40): x.extend(x)", "Error in extend: the result is too large: a list"},
		{"x = 3\nfor i in range(40): x *= x", "the product has more than 1048576 bits"},
		{"1 << 1000000000", "shift count too large"},
		{"x = 'x' * 1000000\nx.replace('x', x)", "Error in replace: the result is too large"},
		{"x = 'x' * 1000000\nx.join([x] * 1000)", "Error in join: the result is too large"},
		{"x = 'x' * 1000000\n('{0}' * 1000).format(x)", "Error in format: the result is too large"},
		{"x = 'x' * 1000000\n('%(x)s' * 1000) % {'x': x}", "Error: the result is too large"},
		{"list(range(10000000000))", "Error in range: a range of 10000000000 elements is too long"},
		{"x = []\nfor i in range(60): x = [x, x]\nprint(x)", "Error in print: the value is too large as text"},
		{"x = []\nfor i in range(60): x = [x, x]\nfail(x)", "Error in fail: the value is too large as text"},
		{"x = []\nfor i in range(60): x = [x, x]\nencode_json(x)", "Error in encode_json: the value, written down, is larger than 64Mi"},
		{"x = ['x' * 1000000] * 1000\nencode_yaml(x)", "Error in encode_yaml: the value, written down, is larger than 64Mi"},
		{"x = []\nfor i in range(20000): x = [x]\nencode_json(x)", "Error in encode_json: the value"},
		{"x = []\nx.append(struct(x=x))\nstr(x)", "Error in str: the value contains itself by way of a struct"},
		{"x = []\nx.append(struct(x=x))\nos.environ[x] = 1", ""},
		{"x = []\nx.append(struct(x=x))\nlocal('x', env={'a': x})", "got \"a\": list, want string: string"},
		{"x = [1]\nfor i in range(600000): x = [x]", "the globals of the file are nested more than 500000 deep"},
		{"x = (1,)\nfor i in range(60): x = (x, x)", "the globals of the file are nested more than 500000 deep, or hold more tuples"},
		{"x = []\nx.append([x] + [[i] for i in range(600000)])", "the globals of the file are nested more than 500000 deep"},
	} {
		_, err := Load(t.Context(), tiltfile(t, c.source))
		requireError(t, err, KindEvaluation, c.want)
	}
}

// TestGuardedOperations has what must not change by looking at sizes first.
func TestGuardedOperations(t *testing.T) {
	source := `
def check(got, want):
    if got != want: fail('got %r, want %r' % (got, want))
x = [1]
y = x
x += [2]
x += (3,)
x += x
check(y, [1, 2, 3, 1, 2, 3])
y.extend(y)
check(len(x), 12)
d = {'n': 1, 's': 'a'}
d['n'] += 2
d['s'] *= 3
d['n'] *= -2
check(d, {'n': -6, 's': 'aaa'})
check([7 % 4, 2 + 3 * 4, 'a' + 'b' * 2, 'x' * -1, [0] * 2, 2 * (1,), 1.5 + 1, 2 * 1.5], [3, 14, 'abb', '', [0, 0], (1, 1), 2.5, 3.0])
check(['%s-%d' % ('a', 1), '%%' % (), '%(k)s' % {'k': 1}, '{}{a}'.format(1, a=2), ','.join(['a', 'b']), 'aa'.replace('a', 'b', 1)],
    ['a-1', '%', '1', '12', 'a,b', 'ba'])
check(['a'.replace('', '-'), os.path.join('a', 'b'), struct(join=lambda x: x + 1).join(1)], ['-a-', 'a/b', 2])
check([str(range(5)), repr('a'), str(y[:1]), type(','.join), [i for i in range(3)]], ['range(5)', '"a"', '[1]', 'builtin_function_or_method', [0, 1, 2]])
local_resource('a', 'x')
`
	if _, err := Load(t.Context(), tiltfile(t, source)); err != nil {
		t.Error(err)
	}
	for source, want := range map[string]string{
		"1 + 'a'":                        "Tiltfile:1:3: in <toplevel>\nError: unknown binary op: int + string",
		"x = 1\nx += 'a'":                "Tiltfile:2:3: in <toplevel>\nError: unknown binary op: int + string",
		"x = []\nx += 1":                 "unknown binary op: list + int",
		"x = []\nfor y in [x]: x *= 'a'": "unknown binary op: list * string",
		"(1).join([])":                   "int has no .join field or method",
		"'a'.joi([])":                    "string has no .joi field or method (did you mean .join?)",
		"','.join([1])":                  "Error in join: join: in list, want string, got int",
		"x = [1]\nfor y in x: x += [2]":  "list during iteration",
	} {
		_, err := Load(t.Context(), tiltfile(t, source))
		requireError(t, err, KindEvaluation, want)
	}
}

// TestNestedSource has the most nested sources that are small enough.
func TestNestedSource(t *testing.T) {
	for _, unit := range []string{"(", "not ", "x.", "()", "x+", "x*(", "x.join(", "x%[", "[x,"} {
		source := "x = 1\n" + strings.Repeat(unit, (maxSourceSize-10)/len(unit)) + "x"
		_, err := Load(t.Context(), tiltfile(t, source))
		if err == nil {
			t.Errorf("no error for %q nested", unit)
		}
	}
	_, err := Load(t.Context(), tiltfile(t, "x = 1\nx"+strings.Repeat("+x", maxSourceSize/4)))
	requireError(t, err, KindSyntax, "the code is nested too deeply")
}
