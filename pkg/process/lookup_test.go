// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func realPath(t testing.TB, path string) string {
	t.Helper()
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		t.Fatal(err)
	}
	return real
}

// program writes a script that says which one it is.
func program(t testing.TB, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func TestLookup(t *testing.T) {
	r := newRunner(t, Options{})
	dir := t.TempDir()
	program(t, filepath.Join(dir, "bin", "tool"), "#!/bin/sh\necho bin\n", 0o755)
	program(t, filepath.Join(dir, "tool"), "#!/bin/sh\necho top\n", 0o755)
	program(t, filepath.Join(dir, "plain", "tool"), "#!/bin/sh\necho plain\n", 0o644)
	program(t, filepath.Join(dir, "folder", "tool", "x"), "", 0o644)
	for _, test := range []struct{ name, argv0, path, want string }{
		{"absolute entry", "tool", dir + "/bin", "bin"},
		{"relative entry", "tool", "bin", "bin"},
		{"dot", "tool", ".", "top"},
		{"empty entry", "tool", ":/nowhere", "top"},
		{"not executable or a directory", "tool", "plain:folder:bin", "bin"},
		{"first wins", "tool", "/nowhere:bin:.", "bin"},
		{"relative path", "./bin/tool", "/nowhere", "bin"},
		{"relative path without dot", "bin/tool", "/nowhere", "bin"},
		{"absolute path", dir + "/bin/tool", "", "bin"},
	} {
		var out buffer
		p, err := r.Start(Spec{Argv: []string{test.argv0}, Dir: dir, Env: []string{"PATH=" + test.path}, Output: &out})
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if exit := wait(t, p); exit.Code != 0 || out.String() != test.want+"\n" {
			t.Errorf("%s: %s, got %q", test.name, exit, out.String())
		}
	}
}

func TestStartErrors(t *testing.T) {
	r := newRunner(t, Options{})
	dir := t.TempDir()
	program(t, filepath.Join(dir, "file"), "x", 0o644)
	program(t, filepath.Join(dir, "lost"), "#!/nowhere/interpreter\n", 0o755)
	program(t, filepath.Join(dir, "nonsense"), "\x00\x01\x02", 0o755)
	env := os.Environ()
	for _, test := range []struct {
		name string
		spec Spec
		want string
	}{
		{"no argv", Spec{}, `exec: no command`},
		{"empty program", Spec{Argv: []string{""}, Env: env}, `exec: "": executable file not found in $PATH`},
		{"not in PATH", Spec{Argv: []string{"nope-x"}, Env: env}, `exec: "nope-x": executable file not found in $PATH`},
		{"no PATH", Spec{Argv: []string{"sh"}}, `exec: "sh": executable file not found in $PATH`},
		{"no such path", Spec{Argv: []string{"/nope/bin/x"}, Env: env}, `fork/exec /nope/bin/x: no such file or directory`},
		{"not executable", Spec{Argv: []string{"./file"}, Dir: dir, Env: env}, `fork/exec ./file: permission denied`},
		{"not a program", Spec{Argv: []string{"./nonsense"}, Dir: dir, Env: env}, `fork/exec ./nonsense: exec format error`},
		{"no interpreter", Spec{Argv: []string{"./lost"}, Dir: dir, Env: env},
			`fork/exec ./lost: no such file or directory (the file exists, but its interpreter does not)`},
		{"no directory", Spec{Argv: []string{"sh"}, Dir: "/nope/x", Env: env}, `chdir /nope/x: no such file or directory`},
		{"directory is a file", Spec{Argv: []string{"sh"}, Dir: dir + "/file", Env: env}, `chdir ` + dir + `/file: not a directory`},
		{"zero byte", Spec{Argv: []string{"sh", "a\x00b"}, Env: env}, `fork/exec SH: invalid argument`},
	} {
		p, err := r.Start(test.spec)
		if err == nil {
			wait(t, p)
			t.Errorf("%s: no error", test.name)
			continue
		}
		want := test.want
		if strings.Contains(want, "SH") {
			sh, lookErr := lookPath("sh", "", env)
			if lookErr != nil {
				t.Fatal(lookErr)
			}
			want = strings.Replace(want, "SH", sh, 1)
		}
		if err.Error() != want {
			t.Errorf("%s: got %q, want %q", test.name, err, want)
		}
	}
}

func TestMergeEnv(t *testing.T) {
	got := MergeEnv([]string{"A=1", "B=2", "A=3", "C=1", "B=", "=x"}, []string{"C", "D=4"}, nil)
	want := []string{"A=3", "B=", "=x", "D=4"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := MergeEnv(nil); got == nil || len(got) > 0 {
		t.Errorf("got %#v, want an empty environment", got)
	}
}
