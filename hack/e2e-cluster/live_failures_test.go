// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build cluster

package cluster

import (
	"slices"
	"strings"
	"syscall"
	"testing"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// awaitFailure waits until the update of the last edit has failed, with all of these in its error.
func (l *live) awaitFailure(texts ...string) {
	l.Helper()
	l.await("the update fails: "+strings.Join(texts, ", "), func(s v1alpha1.Session) bool {
		terminated := target(s, "web:update").State.Terminated
		if terminated == nil || terminated.Error == "" || !terminated.StartTime.After(l.edited) {
			return false
		}
		for _, text := range texts {
			if !strings.Contains(terminated.Error, text) {
				return false
			}
		}
		return true
	})
}

// A run that fails is the failure of the update, and leads to no build. The files stay, and the next change mends it.
func TestLiveUpdateRunFails(t *testing.T) {
	t.Parallel()
	l := newLive(t, "sync('src/app', '/app'), run('echo it says $(cat /app/page); grep -q good /app/page || exit 7')", forever).upLive()
	l.edit("-- src/app/page --\nbad\n")
	l.awaitFailure("7")
	l.awaitOutput("it says bad")
	if got, err := l.inside(l.pods[0], "cat /app/page"); err != nil || strings.TrimSpace(got) != "bad" {
		l.Errorf("the container has %q (%v)", got, err)
	}
	l.edit("-- src/app/page --\ngood\n")
	l.wantInside("cat /app/page", "good")
	l.wantLive()

	// A change that isn't covered mends it too.
	l.edit("-- src/app/page --\nbad\n")
	l.awaitFailure("7")
	l.edit("-- src/other --\nsecond\n")
	l.wantBuild("cat /app/page", "bad")
}

// What only a build can mend leads to one, and the log says why, with the container and the way out.
func TestLiveUpdateFailsAndBuilds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		steps  string
		fields []string
		texts  []string
	}{
		"read-only root": {
			steps:  "sync('src/app', '/app')",
			fields: []string{"securityContext: {readOnlyRootFilesystem: true}"},
			texts:  []string{"Read-only file system", "readOnlyRootFilesystem"},
		},
		"not root": {
			steps:  "sync('src/app', '/app')",
			fields: []string{"securityContext: {runAsUser: 65532}"},
			texts:  []string{"ermission denied", "COPY --chown"},
		},
		"killed run": {
			steps: "sync('src/app', '/app'), run('kill -9 $$')",
			texts: []string{"137"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLive(t, test.steps, forever, test.fields...).upLive()
			pod := l.pods[0]
			l.edit("-- src/app/page --\nsecond\n")
			l.wantBuild("cat /app/page", "second")
			for _, text := range append(test.texts, pod, "app") {
				l.awaitOutput(text)
			}
		})
	}
}

// A container that crashes after an update gets the files again each time, and its way out is a build.
func TestLiveUpdateOfCrashingContainer(t *testing.T) {
	t.Parallel()
	l := newLive(t, "sync('src/app', '/app')",
		"trap exit TERM; until grep -q crash /app/page; do sleep 0.1; done; exit 1").upLive()
	l.edit("-- src/app/page --\ncrash\n")
	l.await("the container is in a crash loop", func(s v1alpha1.Session) bool {
		terminated := target(s, "web:runtime").State.Terminated
		return terminated != nil && strings.Contains(terminated.Error, "container app")
	})
	l.edit("-- src/app/page --\nmended\n")
	l.wantBuild("cat /app/page", "mended")
}

// Pods that have ended take no files.
func TestLiveUpdateOfEndedPod(t *testing.T) {
	t.Parallel()
	p := newProject(t, strings.ReplaceAll(liveFiles, "STEPS", "sync('src/app', '/app')")+`
-- web.yaml --
apiVersion: batch/v1
kind: Job
metadata: {name: web}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: app, image: web, command: [sh, -c, 'echo page $(cat /app/page)']}]
`)
	l := p.upLive()
	l.edit("-- src/app/page --\nsecond\n")
	l.awaitOutput("page second")
	l.awaitReady("web:update", "web:runtime")
	l.awaitOutput("Container for live update is stopped")
}

// A change for which only a build will do ends the live update that goes on.
func TestBuildEndsLiveUpdate(t *testing.T) {
	t.Parallel()
	l := newLive(t, "sync('src/app', '/app'), run('grep -q first /app/page || exec sleep 100000')", forever).upLive()
	l.edit("-- src/app/page --\nsecond\n")
	l.awaitActive("web:update")
	l.awaitInside("cat /app/page", "second")
	l.edit("-- src/other --\nsecond\n-- src/app/page --\nsecond and first\n")
	l.wantBuild("cat /app/page", "second and first")
}

// Edits during a build are in the container after the rollout, though the image lacks them.
func TestEditsDuringBuild(t *testing.T) {
	t.Parallel()
	p := newLive(t, "sync('src/app', '/app')", forever)
	p.replace("Tiltfile", "docker_build('web', 'src',", "custom_build('web', './build', ['src'],")
	p.write(`
-- build --
#!/bin/sh
# Builds what there is at the start as soon as there is the file "go".
set -e
rm -rf context
cp -r src context
touch begun
until test -f go; do sleep 0.1; done
rm go begun
docker build -q -t "$EXPECTED_REF" context
-- go --
`)
	l := p.upLive()
	l.edit("-- src/other --\nsecond\n")
	l.eventually("the build has read the files", func() bool {
		_, err := l.try("test", "-f", "begun")
		return err == nil
	})
	l.awaitActive("image:web")
	l.write("-- src/app/page --\nsecond\n")
	l.write("-- go --\n")
	l.wantBuild("cat /app/page", "second")
}

// While pods are about to start, an edit doesn't restart the rollout. They get it as they run.
func TestEditsBeforePodsRun(t *testing.T) {
	t.Parallel()
	p := newLive(t, "sync('src/app', '/app')", forever)
	state := t.TempDir()
	p.replace("web.yaml", "      containers:", `      volumes: [{name: state, hostPath: {path: `+state+`}}]
      initContainers:
      - name: gate
        image: `+busybox+`
        command: [sh, -c, 'until test -f /state/go; do sleep 0.1; done']
        volumeMounts: [{name: state, mountPath: /state}]
      containers:`)
	l := &live{run: p.up()}
	l.awaitReady("web:update")
	l.eventually("there is a pod", func() bool { l.pods = l.running(); return len(l.pods) == 1 })
	l.built = l.lastBuild()
	l.edit("-- src/app/page --\nsecond\n")
	l.awaitWait("web:update", "waiting-for-deploy")
	l.run.project.run("touch", state+"/go")
	l.awaitInside("cat /app/page", "second")
	l.wantLive()
}

// In manual mode, a trigger brings what has changed; in auto mode it's a whole build.
func TestTriggerOfLiveUpdate(t *testing.T) {
	t.Parallel()
	p := newLive(t, "sync('src/app', '/app')", forever)
	p.replace("Tiltfile", "k8s_yaml", "mode = TRIGGER_MODE_MANUAL\nk8s_resource('web', trigger_mode=mode)\nk8s_yaml")
	l := p.upLive()
	l.edit("-- src/app/page --\nsecond\n")
	l.awaitWait("web:update", "pending-trigger")
	l.awaitInside("cat /app/page", "first")
	l.write("-- src/app/lib/part --\nsecond\n")
	l.verb("trigger", "web")
	l.awaitInside("cat /app/page /app/lib/part", "second\nsecond")
	l.wantLive()

	l.replace("Tiltfile", "MANUAL", "AUTO")
	l.edit("-- src/app/page --\nthird\n")
	l.wantInside("cat /app/page", "third")
	l.wantLive()
	l.verb("trigger", "web")
	l.eventually("the pod is another one", func() bool {
		pods := l.running()
		return len(pods) == 1 && pods[0] != l.pods[0]
	})
	l.awaitInside("cat /app/page /app/lib/part", "third\nsecond")
	l.awaitReady("web:update", "web:runtime")
}

// A build that makes the image that the containers began with gives them its files back.
func TestBuildOfFormerFiles(t *testing.T) {
	t.Parallel()
	p := newLive(t, "sync('src/app', '/app')", forever)
	p.replace("src/Dockerfile", "COPY other /other\n", "")
	l := p.upLive()
	l.edit("-- src/app/page --\nsecond\n-- src/app/new --\n")
	l.wantInside("cat /app/page", "second")
	l.remove("src/app/new")
	l.edit("-- src/app/page --\nfirst\n-- src/other --\nsecond\n")
	l.awaitInside("cat /app/page; ls /app", "first\nlib\npage")
	l.awaitReady("web:update", "web:runtime")
}

// A run gives the containers back what an earlier one has brought them, if the image is the one that they began with.
func TestFormerFilesAfterRuns(t *testing.T) {
	t.Parallel()
	p := newLive(t, "sync('src/app', '/app')", forever)
	l := p.upLive()
	l.edit("-- src/app/page --\nsecond\n")
	l.wantInside("cat /app/page", "second")
	l.signal(syscall.SIGINT)
	p.write("-- src/app/page --\nfirst\n")
	p.ci().wantExit(0, "live update in an earlier run")
	if got, err := p.inside("deployment/web", "cat /app/page"); got != "first\n" {
		t.Errorf("ci has succeeded, and the container has %q (%v)", got, err)
	}
	pods := p.running()
	if l = p.upLive(); !slices.Equal(l.pods, pods) {
		t.Errorf("the pods are %v, and were %v", l.pods, pods)
	}
}

// A deploy that needs no build gives its pods the files too.
func TestDeployAfterLiveUpdate(t *testing.T) {
	t.Parallel()
	l := newLive(t, "sync('src/app', '/app'), run('cp /app/page /copy', trigger='src/app/page')", forever).upLive()
	l.edit("-- src/app/page --\nsecond\n")
	l.wantInside("cat /copy", "second")
	l.replace("web.yaml", "metadata: {labels: {app: web", "metadata: {labels: {app: web, edited: 'yes'")
	l.eventually("the pod is another one", func() bool {
		pods := l.running()
		return len(pods) == 1 && pods[0] != l.pods[0]
	})
	l.awaitInside("cat /copy", "second")
	l.pods = l.running()
	l.wantLive()

	// Other steps need neither build nor deploy.
	l.replace("Tiltfile", "cp /app/page /copy", "cp /app/page /other-copy")
	l.eventually("the Tiltfile is loaded again", func() bool {
		return strings.Count(l.output.String(), "Successfully loaded") == 3
	})
	l.edit("-- src/app/page --\nthird\n")
	l.wantInside("cat /copy /other-copy", "second\nthird")
	l.wantLive()
}

// A command that doesn't end holds up neither a trigger nor the end of the run.
func TestHangingRunOfLiveUpdate(t *testing.T) {
	t.Parallel()
	l := newLive(t, "sync('src/app', '/app'), run('echo it begins; exec sleep 100000')", forever).upLive()
	l.edit("-- src/app/page --\nsecond\n")
	l.awaitOutput("it begins")
	l.verb("trigger", "web")
	l.eventually("the pod is another one", func() bool {
		pods := l.running()
		return len(pods) == 1 && pods[0] != l.pods[0]
	})
	l.awaitInside("cat /app/page", "second")
	l.signal(syscall.SIGINT)
	l.wantExit(0)
}
