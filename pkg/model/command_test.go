// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"reflect"
	"strings"
	"testing"
)

func TestShellCommand(t *testing.T) {
	for _, c := range []struct {
		script string
		want   []string
	}{
		{"make all", []string{"sh", "-c", "make all"}},
		{" \n\techo 1\n  echo 2\n", []string{"sh", "-c", "echo 1\n  echo 2"}},
		{"", nil},
		{" \n\t", nil},
	} {
		got := ShellCommand(c.script)
		if got == nil && c.want == nil {
			continue
		}
		if got == nil || !reflect.DeepEqual(got.Argv, c.want) {
			t.Errorf("ShellCommand(%q) = %v, want %q", c.script, got, c.want)
		}
	}
}

func TestCommandString(t *testing.T) {
	for _, c := range []struct {
		argv []string
		want string
	}{
		{[]string{"sh", "-c", "sleep 1; exit 7"}, `sleep 1; exit 7`},
		{[]string{"sh", "-c", "kill -15 $$ # \"x\""}, `kill -15 $$ # "x"`},
		{[]string{"sh", "-c", "echo 1\necho 2"}, `sh -c "echo 1\necho 2"`},
		{[]string{"sh", "-c", "true\nfalse"}, `sh -c "true\nfalse"`},
		{[]string{"sh", "-c", "exit 4", "x y"}, `sh -c "exit 4" "x y"`},
		{[]string{"sh", "-c", `echo "$1"`, "x", "a|b"}, `sh -c "echo \"$1\"" x a|b`},
		{[]string{"/bin/sh", "-c", "exit 4"}, `/bin/sh -c "exit 4"`},
		{[]string{"no-such-program"}, `no-such-program`},
		{[]string{"echo", "ü ä"}, `echo "ü ä"`},
		{nil, ""},
	} {
		if got := (Command{Argv: c.argv}).String(); got != c.want {
			t.Errorf("%q is shown as %s, want %s", c.argv, got, c.want)
		}
	}
}

// FuzzShellCommand checks that no white space around a script gets to the
// shell, that nothing else is lost, and that one line is shown as it is.
func FuzzShellCommand(f *testing.F) {
	for _, script := range []string{"", " x ", "a\nb", "\x00", "\xff"} {
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script string) {
		command := ShellCommand(script)
		if command == nil {
			if strings.TrimSpace(script) != "" {
				t.Fatalf("no command for %q", script)
			}
			return
		}
		inner := command.Argv[2]
		if inner == "" || strings.TrimSpace(inner) != inner || !strings.Contains(script, inner) {
			t.Errorf("script %q became %q", script, inner)
		}
		if got := command.String(); strings.Contains(got, "\n") || !strings.Contains(inner, "\n") && got != inner {
			t.Errorf("script %q is shown as %q", script, got)
		}
	})
}
