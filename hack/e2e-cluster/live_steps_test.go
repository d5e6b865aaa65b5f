// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build cluster

package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a live update brings, where to, and what it runs then.
func TestLiveUpdate(t *testing.T) {
	t.Parallel()
	l := newLive(t, `
	fall_back_on('src/app/stop'),
	sync('src/app', '/app'),
	sync('src/conf/settings', '/etc/web/'),
	sync('src/conf', '/conf'),
	run('cp /app/page /app/copy', trigger='src/app/page'),
	run(['sh', '-c', 'echo $(cat /app/copy) >>/log'], trigger=['src/app/page', 'src/conf']),
	run('echo x >>/always', echo_off=True),
`, forever).upLive()

	l.edit("-- src/app/page --\nsecond\n-- src/app/new/deep/part --\nnew\n-- src/app/.hidden --\nyes\n")
	l.wantInside("cd /app; cat page copy /log /always new/deep/part .hidden | xargs", "second second second x new yes")

	l.edit("-- src/app/lib/part --\nsecond\n")
	l.wantInside("cat /app/lib/part /log /always | xargs", "second second x x")

	// The first sync that has a file says where it goes to.
	l.edit("-- src/conf/settings --\nred\n-- src/conf/other --\nblue\n")
	l.wantInside("cat /etc/web/settings /conf/other; cd /conf; ls", "red\nblue\nother")

	l.remove("src/app/lib", "src/app/new/deep/part", "src/conf/other")
	l.wantInside("cd /app; ls; ls /conf /app/new/deep | xargs", "copy\nnew\npage\n/app/new/deep: /conf:")

	l.edit("-- src/app/page --\nthird\n-- src/app/lib --\nis a file\n")
	l.remove("src/app/new")
	l.write("-- src/app/new --\nis a file\n")
	l.wantInside("cd /app; cat page lib new", "third\nis a file\nis a file")

	l.wantLive()
	l.edit("-- src/other --\nsecond\n-- src/app/.hidden --\nbuilt\n")
	l.wantBuild("cat /app/.hidden", "built")
	l.edit("-- src/app/stop --\nbuilt\n")
	l.wantBuild("cat /app/stop", "built")
	l.edit("-- src/app/.hidden --\nlive\n")
	l.wantInside("cat /app/.hidden", "live")
	l.wantLive()
}

// Modes, links and names are those of the local files.
func TestLiveUpdateOfFilesOfAllKinds(t *testing.T) {
	t.Parallel()
	l := newLive(t, "sync('src/app', '/app')", forever).upLive()
	at := func(name string) string { return filepath.Join(l.directory, "src/app", name) }

	l.edit("-- src/app/tool --\n-- src/app/secret --\n")
	l.ok(os.Chmod(at("tool"), 0o711))
	l.ok(os.Chmod(at("secret"), 0o640))
	l.ok(os.Symlink("page", at("link")))
	l.ok(os.Symlink("/nowhere", at("dangling")))
	l.ok(os.Symlink("lib", at("directory")))
	l.wantInside("cd /app; stat -c %a tool secret; for f in link dangling directory; do readlink $f; done; cat link directory/part",
		"711\n640\npage\n/nowhere\nlib\nfirst\nfirst")

	l.remove("src/app/link", "src/app/dangling")
	l.write("-- src/app/link --\nno link\n-- src/app/secret --\n")
	l.ok(os.Chmod(at("secret"), 0o600))
	l.wantInside("cd /app; stat -c %a secret; cat link page; ls dangling 2>&1 | grep -c 'No such'", "600\nno link\nfirst\n1")

	l.edit("-- src/app/names/plain --\nplain")
	names := []string{"-n", "a b", "*", "ünïcode", `'"`, "$HOME", `\`, strings.Repeat("long", 60)}
	for _, name := range names {
		l.ok(os.WriteFile(at("names/"+name), []byte(name), 0o644))
	}
	l.wantInside(`cd /app/names; for f in ./*; do test "./$(cat "$f")" = "$f" && echo; done | wc -l`, fmt.Sprint(1+len(names)))
	for _, name := range names {
		l.remove("src/app/names/" + name)
	}
	l.wantInside("ls -A /app/names", "plain")
	l.wantLive()
}

// A thousand files are one update, and so is their removal.
func TestLiveUpdateOfManyFiles(t *testing.T) {
	t.Parallel()
	l := newLive(t, "sync('src/app', '/app'), run('echo x >>/updates')", forever).upLive()
	many := func(content string) string {
		var files strings.Builder
		for i := range 1000 {
			fmt.Fprintf(&files, "-- src/app/many/directory-%d/a-file-with-a-rather-long-name-%d --\n%s\n", i%10, i, content)
		}
		return files.String()
	}
	for _, content := range []string{"one", "two"} {
		l.edit(many(content))
		l.awaitInside("cat /app/many/*/* | sort | uniq -c | xargs", "1000 "+content)
	}
	l.remove("src/app/many")
	l.awaitInside("find /app -type f | wc -l", "2")
	l.wantLive()
}

// With initial_sync, containers get the files as they start.
func TestInitialSync(t *testing.T) {
	t.Parallel()
	p := newLive(t, "initial_sync(), sync('src/app', '/app'), run('cp /app/page /app/copy', trigger='src/app/page')", forever)
	p.replace("src/Dockerfile", "COPY app /app", "")
	p.replace("Tiltfile", "live_update", "ignore='app/secret', live_update")
	p.write("-- src/app/secret --\nignored\n")
	p.ci().wantExit(0)
	if got, err := p.inside("deployment/web", "cat /app/copy"); got != "first\n" {
		t.Errorf("ci has succeeded, and the container has %q (%v)", got, err)
	}
	l := p.upLive()
	l.awaitInside("cd /app; cat page lib/part copy; ls", "first\nfirst\nfirst\ncopy\nlib\npage")
	l.edit("-- src/app/page --\nsecond\n")
	l.wantInside("cat /app/page /app/copy", "second\nsecond")
	l.kubectl("delete", "pod", l.pods[0])
	l.awaitInside("cat /app/page /app/lib/part /app/copy", "second\nfirst\nsecond")
}
