// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.starlark.net/starlark"
)

// FuzzData decodes any text. What can be encoded of that is decoded to the same
// again.
func FuzzData(f *testing.F) {
	for _, text := range []string{
		`{"a": [1, 2.5, -0, 1e3, null, true, "x\u0000"], "a": {}}`, "123456789012345678901234567890", `"\ud800"`, "[[[[", "{}{}",
		"a: &a [1, ~, 0x10, 0o7, .nan, 1_000]\nb: *a\n<<: {c: d}\n---\n!!binary aGk=\n--- !!str 1\n", "? [a]\n: b", "1: a\n'1': b", "a: |\n  x\n",
		"%YAML 1.1\n---\n", "2001-01-01", "&x x: *x", "yes: no", "'': ''", "- - - -", "\t", "\xff", "a: b: c", "{a: 1, ~: 2}", "=: 1", "!!float 1",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e := newEvaluation(t.Context(), Options{Path: "/Tiltfile"})
		if value, err := parseJSON(t.Context(), []byte(text), ""); err == nil {
			requireRoundTrip(t, e, value, "encode_json", "decode_json")
		}
		if value, err := e.parseOneYAML([]byte(text), ""); err == nil {
			requireRoundTrip(t, e, value, "encode_yaml", "decode_yaml")
		}
		if _, err := e.filterYAML(e.thread, starlark.NewBuiltin("filter_yaml", nil), starlark.Tuple{blob(text)}, nil); err != nil && err.Error() == "" {
			t.Error("an error without a text")
		}
	})
}

// requireRoundTrip fails if a value that was encoded and decoded doesn't stay
// the same when that is done again. The first time may replace invalid UTF-8.
func requireRoundTrip(t *testing.T, e *evaluation, value starlark.Value, encode, decode string) {
	roundTrip := func(value starlark.Value) starlark.Value {
		text, err := starlark.Call(e.thread, e.builtins[encode], starlark.Tuple{value}, nil)
		if err != nil {
			return nil
		}
		decoded, err := starlark.Call(e.thread, e.builtins[decode], starlark.Tuple{text}, nil)
		if err != nil {
			t.Fatalf("%s of %s gives %q: %v", encode, value, text, err)
		}
		return decoded
	}
	once := roundTrip(value)
	if once == nil {
		return
	}
	twice := roundTrip(once)
	if twice == nil {
		t.Fatalf("%s works for %s, but not for %s", encode, value, once)
	}
	if same, err := starlark.EqualDepth(once, twice, 2*maxNesting); err != nil || !same {
		t.Fatalf("%s of %s is decoded to %s: %v", encode, once, twice, err)
	}
}

// FuzzConfig parses any arguments and any configuration file.
func FuzzConfig(f *testing.F) {
	f.Add("--a b --l=1 --l 2 --flag --o {} x y", `{"a": "b"}`)
	f.Add("--flag=false -- -x --", `{"l": [], "o": {"a": [1]}, "flag": null, "rest": ["x"]}`)
	f.Add("-h", `[`)
	f.Add("--=x --a= -a", `{"nope": 1}`)
	f.Add("--o [1 ---- -ab=c", `{"o": 1e999}`)
	f.Fuzz(func(t *testing.T, args, file string) {
		options := tiltfile(t, `
config.define_string('a', usage='the `+"`a`"+`')
config.define_string_list('l')
config.define_bool('flag')
config.define_object('o')
config.define_string_list('rest', args=True)
cfg = config.parse()
for name, kind in {'a': 'string', 'l': 'list', 'flag': 'bool', 'rest': 'list'}.items():
    if name in cfg and type(cfg[name]) != kind:
        fail('%s is a %s' % (name, type(cfg[name])))
local_resource('a', 'x')
`)
		options.Args = strings.Split(args, " ")
		if err := os.WriteFile(filepath.Join(filepath.Dir(options.Path), configFile), []byte(file), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Load(t.Context(), options)
		var failure *Error
		if err != nil && (!errors.As(err, &failure) || !strings.Contains(failure.Text, "invalid Tiltfile config args: ")) {
			t.Fatalf("got error %v, want one of config.parse", err)
		}
	})
}
