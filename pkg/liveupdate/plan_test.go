// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package liveupdate

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"tilt.dev/session/pkg/model"
)

// tree makes files in a temporary directory: "name", "name -> target" or "directory/".
func tree(t *testing.T, entries ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, entry := range entries {
		name, target, isLink := strings.Cut(entry, " -> ")
		path := filepath.Join(root, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		switch {
		case err != nil:
		case isLink:
			err = os.Symlink(target, path)
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(path, 0o755)
		default:
			err = os.WriteFile(path, []byte(name), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestPlan(t *testing.T) {
	for name, test := range map[string]struct {
		tree, syncs, changed, want []string
	}{
		"copies":            {[]string{"src/a", "src/d/b"}, []string{"src:/app"}, []string{"src/d/b", "src/a"}, []string{"a>/app/a", "b>/app/d/b"}},
		"the root":          {[]string{"src/a"}, []string{"src:/"}, []string{"src/a", "src/gone", "src"}, []string{"-/gone", "a>/a"}},
		"the root is gone":  {nil, []string{"src:/"}, []string{"src"}, nil},
		"a file":            {[]string{"a"}, []string{"a:/app/b"}, []string{"a"}, []string{"a>/app/b"}},
		"into a directory":  {[]string{"a"}, []string{"a:/app/"}, []string{"a"}, []string{"a>/app/a"}},
		"the first sync":    {[]string{"src/d/a"}, []string{"src/d:/one", "src:/two"}, []string{"src/d/a"}, []string{"a>/one/a"}},
		"the last sync":     {[]string{"x/a", "y/a"}, []string{"x:/app", "y:/app"}, []string{"y/a", "x/a"}, []string{"y/a>/app/a"}},
		"a directory":       {[]string{"src/d/"}, []string{"src:/app"}, []string{"src/d"}, []string{"d>/app/d"}},
		"a link":            {[]string{"src/l -> nowhere"}, []string{"src:/app"}, []string{"src/l"}, []string{"l>/app/l"}},
		"gone":              {[]string{"src/"}, []string{"src:/app"}, []string{"src/d", "src/d/a", "src/e"}, []string{"-/app/d", "-/app/e"}},
		"gone and replaced": {[]string{"src/d"}, []string{"src:/app"}, []string{"src/d", "src/d/x/a"}, []string{"-/app/d", "d>/app/d"}},
		"moved":             {[]string{"y/a"}, []string{"x:/app", "y:/app"}, []string{"x/a", "y/a"}, []string{"-/app/a", "y/a>/app/a"}},
		"under no sync":     {[]string{"a", "src/b"}, []string{"src:/app"}, []string{"a", "src/b"}, []string{"b>/app/b"}},
		"like a sync":       {[]string{"srcs/a"}, []string{"src:/app"}, []string{"srcs/a"}, nil},
		"a linked root":     {[]string{"real/a", "src -> real"}, []string{"src:/app"}, []string{"src", "src/a"}, []string{"src>/app", "a>/app/a"}},
	} {
		t.Run(name, func(t *testing.T) {
			root := tree(t, test.tree...)
			steps := &model.LiveSteps{}
			for _, s := range test.syncs {
				local, remote, _ := strings.Cut(s, ":")
				steps.Syncs = append(steps.Syncs, model.Sync{Local: filepath.Join(root, local), Remote: remote})
			}
			var files []string
			for _, f := range test.changed {
				files = append(files, filepath.Join(root, f))
			}
			p, err := newPlan(steps, files)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range p.deletions {
				got = append(got, "-"+d.remote)
			}
			for i, c := range p.copies {
				local := filepath.Base(c.local)
				if len(test.want) > i && strings.Contains(strings.Split(test.want[len(test.want)-1], ">")[0], "/") {
					local, _ = filepath.Rel(root, c.local)
				}
				got = append(got, local+">"+c.remote)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestPlanRuns(t *testing.T) {
	root := tree(t, "src/a", "src/d/b")
	steps := &model.LiveSteps{
		Syncs: []model.Sync{{Local: filepath.Join(root, "src"), Remote: "/app"}},
		Runs: []model.LiveRun{
			{Argv: []string{"1"}},
			{Argv: []string{"2"}, Triggers: []string{filepath.Join(root, "src/d"), filepath.Join(root, "src/e")}},
			{Argv: []string{"3"}, Triggers: []string{filepath.Join(root, "src/a")}},
		},
	}
	for changed, want := range map[string]string{"src/a": "[1 3]", "src/d/b": "[1 2]", "src/gone": "[1]"} {
		p, err := newPlan(steps, []string{filepath.Join(root, changed)})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range p.runs {
			got = append(got, r.Argv...)
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%s: the commands are %s, want %s", changed, got, want)
		}
	}
}

// What isn't a file is left out, and nothing waits for a writer of a pipe.
func TestPlanSpecialFiles(t *testing.T) {
	root := tree(t, "src/")
	pipe := filepath.Join(root, "src/pipe")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	steps := &model.LiveSteps{Syncs: []model.Sync{{Local: filepath.Join(root, "src"), Remote: "/app"}}}
	p, err := newPlan(steps, []string{pipe})
	if err != nil || len(p.copies)+len(p.deletions) > 0 {
		t.Errorf("the plan is %+v, %v", p, err)
	}
	if vanished, err := archive(t.Output(), []mapping{{pipe, "/app/pipe"}}); err != nil || len(vanished) > 0 {
		t.Errorf("the archive: %v, %v", vanished, err)
	}
}

func TestInitialFiles(t *testing.T) {
	root := tree(t, "src/a", "src/b.log", "src/d/c", "src/d/e/f.log", "src/keep/g.log", "src/.git/x", "src/l -> a", "src/empty/",
		"src/x~", "one", "link -> src")
	syncs := []model.Sync{
		{Local: filepath.Join(root, "src"), Remote: "/app"}, {Local: filepath.Join(root, "one"), Remote: "/one"},
		{Local: filepath.Join(root, "missing"), Remote: "/missing"}, {Local: filepath.Join(root, "link"), Remote: "/linked"},
	}
	files, err := initialFiles(syncs, []model.IgnoreSet{
		{Base: root, Patterns: []string{"**/*.log", "!src/keep"}, Source: "test"}, {Base: filepath.Join(root, "src"), Patterns: []string{".git"}},
		{Base: filepath.Join(root, "link"), Patterns: []string{"**", "!d"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		f, _ = filepath.Rel(root, f)
		got = append(got, f)
	}
	if want := []string{"src/a", "src/d/c", "src/keep/g.log", "src/l", "one", "link/d/c"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := initialFiles(syncs, []model.IgnoreSet{{Base: root, Patterns: []string{"[a"}}}); err == nil {
		t.Error("a bad pattern is no error")
	}
}

func TestDirectories(t *testing.T) {
	root := tree(t, "src/a", "one")
	got := directories([]model.Sync{
		{Local: filepath.Join(root, "src"), Remote: "/app"}, {Local: filepath.Join(root, "one"), Remote: "/etc/one"},
		{Local: filepath.Join(root, "one"), Remote: "/app/"}, {Local: filepath.Join(root, "missing"), Remote: "/missing"},
	})
	if want := []string{"/app", "/etc", "/missing"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
