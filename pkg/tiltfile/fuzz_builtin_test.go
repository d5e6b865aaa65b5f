// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// expressions are what the calls of FuzzBuiltins are made with. The names are those of the prelude.
var expressions = []string{
	"None", "True", "0", "1", "-1", "70", "0.5", "''", "'a'", "'f.json'", "'d'", "'..'", "'/'", "'a/../b'",
	"'ext://x'", "'{\"a\": [1]}'", "'a: &a [*a]'", "'[!'", "'1s'", "'\\x00'", "'\\xff'", "'%s%d{}'", "b'a'", "[]", "[1]", "['a', 'b']",
	"('a',)", "(1, 2)", "{}", "{'a': 'b'}", "{1: 2}", "set(['a'])", "range(10)", "blob('x')", "struct(a=1)", "link('x')",
	"http_get_action(80)", "v1alpha1.ignore_def('a')", "exec_action(['a'])", "probe(tcp_socket=tcp_socket_action(1))", "TRIGGER_MODE_MANUAL", "os.environ", "fail", "lambda *a: a",
	"port_forward(80)", "blob('{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{image: i}]}}')",
	"blob('{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {k: MTIzNDU2}}')", "['a:secret']",
	"blob('services: {a: {image: b, depends_on: [c], ports: [\"1:1\"]}, c: {build: ., x-tilt: {one_off: true}}}')",
	"CYCLE", "x", "sync('a', '/b')", "[run('a')]", "'-'", "'FROM a'",
}

// prelude has values that are hard to write down.
const prelude = `
CYCLE = []
CYCLE.append({'a': CYCLE})
x = None
`

// parameters are the names that arguments are given under.
var parameters = []string{
	"path", "name", "cmd", "deps", "default", "ignore", "args", "usage", "dir", "recursive", "env", "yaml", "labels", "kind",
	"obj", "objs", "json", "links", "resource_deps", "serve_cmd", "readiness_probe", "sep", "code", "url", "resources",
	"workload", "new_name", "port_forwards", "extra_pod_selectors", "objects", "pod_readiness", "apply_cmd",
	"delete_cmd", "image_json_path", "image_object", "paths", "flags", "func",
	"ref", "context", "dockerfile_contents", "live_update", "image_deps", "only", "secret", "build_args",
	"configPaths", "project_name", "profiles", "env_file", "image", "trigger_mode",
}

// builtinNames are the full names of all functions that a Tiltfile can call.
func builtinNames(prefix string, values starlark.StringDict) []string {
	var names []string
	for _, name := range values.Keys() {
		switch value := values[name].(type) {
		case *starlarkstruct.Module:
			names = append(names, builtinNames(prefix+name+".", value.Members)...)
		case starlark.Callable:
			names = append(names, prefix+name)
		}
	}
	return names
}

// FuzzBuiltins calls builtins, operators and methods in any order with any of the expressions. Each byte is a choice.
func FuzzBuiltins(f *testing.F) {
	for i := range 40 {
		f.Add([]byte(fmt.Sprintf("%c%c%c%c%c%c%c%c", i, i*3, i*7, i*5, i*11, i*13, 1, i*17)))
	}
	f.Fuzz(func(t *testing.T, choices []byte) {
		e := newEvaluation(t.Context(), tiltfile(t, ""))
		source := calls(choices, append(builtinNames("", e.builtins), builtinNames("", starlark.Universe)...))
		options := tiltfile(t, prelude+source)
		options.Runner, options.Args = nil, []string{"--a", "b", "c"}
		options.PrivateDirectory = func() (string, error) { return filepath.Dir(options.Path), nil }
		e = newEvaluation(t.Context(), options)
		e.limits.steps, e.MaxDataSize = 100_000, 1<<16
		_, err := e.project()
		var failure *Error
		if err != nil && (!errors.As(err, &failure) || failure.Text == "") {
			t.Fatalf("got error %#v, want an *Error with a text", err)
		}
	})
}

// calls writes a program of at most twenty statements.
func calls(choices []byte, names []string) string {
	next := func(n int) int {
		if len(choices) == 0 {
			return 0
		}
		choice := int(choices[0])
		choices = choices[1:]
		return choice % n
	}
	expression := func() string { return expressions[next(len(expressions))] }
	var b strings.Builder
	for range 20 {
		if len(choices) == 0 {
			break
		}
		switch next(8) {
		case 0:
			fmt.Fprintf(&b, "x = %s %s %s\n", expression(), []string{"+", "*", "%", "==", "in", "|"}[next(6)], expression())
		case 1:
			fmt.Fprintf(&b, "x = (%s).%s(%s)\n", expression(), []string{"join", "format", "replace", "extend", "append", "get"}[next(6)], expression())
		case 2:
			fmt.Fprintf(&b, "x %s %s\n", []string{"+=", "*=", "%=", "="}[next(4)], expression())
		case 3:
			fmt.Fprintf(&b, "for x in %s: print(x)\n", expression())
		default:
			name := names[(next(256)*256+next(256))%len(names)]
			var arguments []string
			for range next(4) {
				arguments = append(arguments, expression())
			}
			for range next(3) {
				arguments = append(arguments, parameters[next(len(parameters))]+"="+expression())
			}
			fmt.Fprintf(&b, "x = %s(%s)\n", name, strings.Join(arguments, ", "))
		}
	}
	return b.String()
}
