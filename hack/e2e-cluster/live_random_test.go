// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build cluster

package cluster

import (
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var liveSeed = flag.Uint64("live-seed", 0, "`seed` of TestRandomEdits; 0 is a random one")

// Whatever happens to files, containers and pods, in the end the containers have the local files.
func TestRandomEdits(t *testing.T) {
	t.Parallel()
	seed := *liveSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-live-seed=%d", seed)
	random := rand.New(rand.NewPCG(seed, seed))
	p := newLive(t, "sync('src/app', '/app')", forever)
	p.replace("web.yaml", "spec:\n  selector", "spec:\n  replicas: 2\n  selector")
	l := p.upLive()
	var done []string
	name := func() string {
		return fmt.Sprintf("src/app/%d/%d", random.IntN(3), random.IntN(4))
	}
	pod := func() string {
		pods := l.running()
		return pods[random.IntN(len(pods))]
	}
	for i := range 40 {
		var what string
		switch n := random.IntN(20); {
		case n < 10:
			what = name()
			l.write(fmt.Sprintf("-- %s --\nedit %d\n", what, i))
		case n < 13:
			what = name()
			l.remove(what)
			what = "remove " + what
		case n < 14:
			what = filepath.Dir(name())
			l.remove(what)
			what = "remove " + what
		case n < 16:
			what = "build"
			l.write(fmt.Sprintf("-- src/other --\nedit %d\n", i))
		case n < 18:
			what = "restart " + pod()
			_, _ = l.inside(strings.TrimPrefix(what, "restart "), "kill 1")
		case n < 19:
			what = "delete " + pod()
			l.kubectl("delete", "pod", strings.TrimPrefix(what, "delete "), "--wait=false", "--ignore-not-found")
		default:
			what = "deploy"
			l.replace("web.yaml", "metadata: {labels: {app: web", fmt.Sprintf("metadata: {labels: {app: web, edit-%d: x", i))
		}
		done = append(done, what)
		if random.IntN(3) > 0 {
			time.Sleep(time.Duration(random.IntN(1500)) * time.Millisecond)
		}
	}
	t.Log(strings.Join(done, ", "))
	l.edit("-- src/app/last --\nlast\n")
	l.awaitInside("cd /app; for f in $(find . -type f | sort); do echo $f $(cat $f); done", l.tree("src/app"))
	l.awaitReady("web:update", "web:runtime", "image:web")
}

// tree returns the files below a directory with what they have, sorted as sort does.
func (p *project) tree(directory string) string {
	p.Helper()
	var lines []string
	root := filepath.Join(p.directory, directory)
	p.ok(filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		lines = append(lines, "."+strings.TrimPrefix(path, root)+" "+strings.TrimSpace(string(content)))
		return err
	}))
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
