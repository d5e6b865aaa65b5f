//go:build cluster

// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
)

func TestClusterLiveUpdate(t *testing.T) {
	steps := toApp()
	steps.Runs = []model.LiveRun{
		{Argv: []string{"sh", "-c", "echo always; date > /ran"}},
		{Argv: []string{"sh", "-c", "echo triggered"}, Triggers: []string{"src/trigger"}, EchoOff: true},
	}
	l := newLiveFixture(t, steps, app(3, "BUSYBOX", "", ""))
	pods := l.awaitRunning(3)
	l.awaitState("ready", isReady)

	// Files, modes, links, directories.
	l.write("src/main.sh", "one", 0o755)
	l.write("src/deep/er/file", "two", 0o640)
	if err := os.Symlink("main.sh", filepath.Join(l.source, "src/link")); err != nil {
		t.Fatal(err)
	}
	l.changed("src/link")
	l.updateWell()
	for _, p := range pods {
		if got := l.in(p.Name, "sh", "-c", "cd /app; cat main.sh deep/er/file; stat -c %a main.sh deep/er/file; readlink link"); got !=
			"onetwo755\n640\nmain.sh\n" {
			t.Errorf("pod %s has %q", p.Name, got)
		}
	}
	if log := l.log(); strings.Count(log, "[CMD 1/1] sh -c echo always") != 3 || strings.Contains(log, "triggered") ||
		strings.Count(log, "] always\n") != 3 || strings.Count(log, "Will copy 3 file(s) to container: [web-") != 3 ||
		strings.Count(log, "  → Container web-") != 3 {
		t.Error("the log isn't as it should be")
	}

	// A deletion and a trigger, once each.
	if err := os.RemoveAll(filepath.Join(l.source, "src/deep")); err != nil {
		t.Fatal(err)
	}
	l.changed("src/deep")
	l.write("src/trigger", "", 0o644)
	l.updateWell()
	for _, p := range pods {
		if got := l.in(p.Name, "ls", "/app"); got != "link\nmain.sh\ntrigger\n" {
			t.Errorf("pod %s has %q", p.Name, got)
		}
	}
	if log := l.log(); strings.Count(log, "] triggered\n") != 3 || strings.Contains(log, "echo triggered") {
		t.Error("the log isn't as it should be")
	}

	// A request without anything new does nothing.
	before := l.log()
	l.updateWell()
	if l.log() != before {
		t.Error("an update without changes has done something")
	}

	// A container that starts anew lacks all files, alone.
	victim := pods[0].Name
	l.in(victim, "kill", "-9", "1")
	l.in(victim, "kill", "1")
	l.awaitState("the lack", isLacking)
	l.updateWell()
	l.awaitState("no lack", func(s engine.LiveState) bool { return isReady(s) && !s.Lacking })
	if got := l.in(victim, "ls", "/app"); got != "link\nmain.sh\ntrigger\n" {
		t.Errorf("the new container has %q", got)
	}
	if after := l.log()[len(before):]; strings.Count(after, "Container web-") != 1 || !strings.Contains(after, victim) {
		t.Errorf("the log is\n%s", after)
	}
}

func TestClusterLiveUpdateMany(t *testing.T) {
	l := newLiveFixture(t, toApp(), app(1, "BUSYBOX", "", ""))
	pod := l.awaitRunning(1)[0].Name
	for i := range 1000 {
		l.write(fmt.Sprintf("src/dir%d/file with a name that is long, and – not – ASCII %d", i%10, i), fmt.Sprint(i), 0o644)
	}
	begin := time.Now()
	l.updateWell()
	t.Logf("1,000 files took %s", time.Since(begin))
	if got := l.in(pod, "sh", "-c", "find /app -type f | wc -l; cat /app/dir9/*999"); got != "1000\n999" {
		t.Errorf("the container has %q", got)
	}
	l.write("src/big", strings.Repeat("0123456789abcdef", 5<<16), 0o644)
	begin = time.Now()
	l.updateWell()
	t.Logf("5 MiB took %s", time.Since(begin))
	if got := l.in(pod, "stat", "-c", "%s", "/app/big"); got != "5242880\n" {
		t.Errorf("the large file has %q", got)
	}
	if err := os.RemoveAll(filepath.Join(l.source, "src")); err != nil {
		t.Fatal(err)
	}
	for path := range l.files {
		l.changes++
		l.files[path] = l.changes
	}
	begin = time.Now()
	l.updateWell()
	t.Logf("1,001 deletions took %s", time.Since(begin))
	if got := l.in(pod, "find", "/app", "-type", "f"); got != "" {
		t.Errorf("the container has %q", got)
	}
}

func TestClusterLiveUpdateFailingRun(t *testing.T) {
	steps := toApp()
	steps.Runs = []model.LiveRun{{Argv: []string{"sh", "-c", "cat /app/good || exit 3"}, Triggers: []string{"src/bad"}}}
	l := newLiveFixture(t, steps, app(2, "BUSYBOX", "", ""))
	pods := l.awaitRunning(2)
	l.write("src/bad", "", 0o644)
	if end := l.update(); end.Rebuild != "" || !strings.Contains(end.Error, "exited with code 3") || end.Code == nil || *end.Code != 3 {
		t.Errorf("the end is %+v", end)
	}
	// The files are there; nothing is tried again by itself; the next change has the command run again.
	l.awaitState("no lack", func(s engine.LiveState) bool { return isReady(s) && !s.Lacking })
	if got := l.in(pods[0].Name, "ls", "/app"); got != "bad\n" {
		t.Errorf("the container has %q", got)
	}
	l.write("src/good", "good\n", 0o644)
	l.updateWell()
	// One container alone fails.
	l.in(pods[1].Name, "rm", "/app/good")
	l.write("src/bad", "", 0o644)
	if end := l.update(); !strings.HasPrefix(end.Rebuild, "PodsInconsistent: ") {
		t.Errorf("the end is %+v", end)
	}
}

// The container ends while a command runs in it: its successor gets the files.
func TestClusterLiveUpdateKilled(t *testing.T) {
	steps := toApp()
	steps.Runs = []model.LiveRun{{Argv: []string{"sh", "-c", "touch /running; [ -e /app/quick ] || sleep 1000"}}}
	l := newLiveFixture(t, steps, app(1, "BUSYBOX", "", ""))
	pod := l.awaitRunning(1)[0].Name
	l.write("src/file", "", 0o644)
	a := l.begin()
	l.eventually("the command", func() bool { return l.in(pod, "ls", "/running") == "/running\n" })
	l.in(pod, "kill", "1")
	<-a.Done()
	if end := a.End(); end != (engine.End{}) {
		t.Errorf("the end is %+v", end)
	}
	l.awaitState("the lack", isLacking)
	l.write("src/quick", "", 0o644)
	l.updateWell()
	if got := l.in(pod, "ls", "/app"); got != "file\nquick\n" {
		t.Errorf("the new container has %q", got)
	}
}

func TestClusterLiveUpdateStop(t *testing.T) {
	steps := toApp()
	steps.Runs = []model.LiveRun{{Argv: []string{"sh", "-c", "touch /running; sleep 1000"}}}
	l := newLiveFixture(t, steps, app(1, "BUSYBOX", "", ""))
	pod := l.awaitRunning(1)[0].Name
	l.write("src/file", "", 0o644)
	a := l.begin()
	l.eventually("the command", func() bool { return l.in(pod, "ls", "/running") == "/running\n" })
	if _, err := l.Runtime.(engine.LiveUpdater).StartLiveUpdate(engine.LiveUpdateRequest{Files: make([][]engine.ChangedFile, 1)}); err == nil {
		t.Error("a second update began")
	}
	a.Stop(time.Hour)
	a.Stop(0)
	<-a.Done()
	l.awaitState("the lack", isLacking)
	b := l.begin()
	l.Stop(0) // The end of the runtime ends it too.
	<-b.Done()
	<-l.Done()
	if _, err := l.Runtime.(engine.LiveUpdater).StartLiveUpdate(engine.LiveUpdateRequest{Files: make([][]engine.ChangedFile, 1)}); err == nil {
		t.Error("an update began after the end")
	}
}

func TestClusterLiveUpdateInitialSync(t *testing.T) {
	steps := toApp()
	steps.InitialSync = true
	l := newLiveFixture(t, steps, app(1, "BUSYBOX", "", ""))
	l.write("src/old", "old", 0o644)
	l.files = map[string]uint64{} // It was there before.
	pod := l.awaitRunning(1)[0].Name
	l.awaitState("the lack", isLacking)
	l.updateWell()
	l.awaitState("no lack", func(s engine.LiveState) bool { return isReady(s) && !s.Lacking })
	if got := l.in(pod, "ls", "/app"); got != "old\n" {
		t.Errorf("the container has %q", got)
	}
}

func TestClusterLiveUpdateFails(t *testing.T) {
	for name, test := range map[string]struct{ container, pod, said string }{
		"another user": {`, securityContext: {runAsUser: 1000}`, "", "Permission denied; tar: can't open 'app/file': " +
			"No such file or directory; its user may not write there"},
		"read-only": {`, securityContext: {readOnlyRootFilesystem: true}`, "", "; its root file system is read-only: mount a volume"},
		"full": {`, volumeMounts: [{name: app, mountPath: /app}]`,
			`, volumes: [{name: app, emptyDir: {medium: Memory, sizeLimit: 8Ki}}]`, "No space left on device; the disk"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLiveFixture(t, toApp(), app(1, "BUSYBOX", test.container, test.pod))
			pod := l.awaitRunning(1)[0].Name
			l.write("src/file", strings.Repeat("x", 1<<20), 0o644)
			if end := l.update(); end.Error != "" || !strings.HasPrefix(end.Rebuild, "UpdateFailed: container "+pod+"/app: ") ||
				!strings.Contains(end.Rebuild, test.said) {
				t.Errorf("the end is %+v, not %s", end, test.said)
			}
			l.awaitState("no lack", func(s engine.LiveState) bool { return isReady(s) && !s.Lacking })
		})
	}
}

func TestClusterLiveUpdateStates(t *testing.T) {
	for name, test := range map[string]struct {
		object string
		want   engine.LiveState
	}{
		"ended": {`{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {restartPolicy: Never, containers: [
  {name: app, image: IMAGE, args: ["exit=0"]}]}}`,
			engine.LiveState{Phase: engine.LiveFailed, Reason: "Terminated",
				Message: "Container for live update is stopped. Pod name: web"}},
		"waiting": {`{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {containers: [
  {name: app, image: IMAGE, envFrom: [{configMapRef: {name: none}}]}]}}`, engine.LiveState{Phase: engine.LiveWaiting}},
		"others": {`{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {terminationGracePeriodSeconds: 1,
  initContainers: [{name: app, image: IMAGE}], containers: [{name: other, image: IMAGE, args: ["serve=:8080"]}]}}`,
			engine.LiveState{Phase: engine.LiveAbsent}},
		"no pods": {app(0, testImage, "", ""), engine.LiveState{Phase: engine.LiveAbsent}},
		"crash loop": {`{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {containers: [
  {name: app, image: IMAGE, args: ["exit=1"]}]}}`,
			engine.LiveState{Phase: engine.LiveFailed, Reason: "CrashLoopBackOff",
				Message: "Cannot live update because container crashing. Pod: web"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLiveFixture(t, toApp(), test.object)
			l.awaitState(name, func(s engine.LiveState) bool { return s == test.want })
		})
	}
}
