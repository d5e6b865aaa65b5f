// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build cluster

package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// liveFiles is a project with an image "web" of src, in whose containers src/app is /app. No live update
// covers src/other. STEPS are those of its live updates.
const liveFiles = `
-- Tiltfile --
allow_k8s_contexts('c')
ci_settings(timeout='5m')
docker_build('web', 'src', live_update=[STEPS])
k8s_yaml('web.yaml')
-- src/Dockerfile --
FROM busybox
COPY app /app
COPY other /other
-- src/app/page --
first
-- src/app/lib/part --
first
-- src/other --
first
`

// forever is the script of a container that ends as soon as it's told to.
const forever = "trap exit TERM; sleep 100000 & wait"

// newLive has a Deployment "web" whose container runs a script.
func newLive(t testing.TB, steps, script string, fields ...string) *project {
	t.Helper()
	p := newProject(t, strings.ReplaceAll(liveFiles, "STEPS", steps)+workload(script, fields...))
	p.replace("web.yaml", busybox, "web")
	return p
}

// live is a run with workloads that take changed files.
type live struct {
	*run
	// pods are those that there were at first.
	pods []string
	// built is when the build of image "web" began that the pods come of.
	built time.Time
	// edited is when files were edited last.
	edited time.Time
}

// upLive runs a project of newLive until it's ready.
func (p *project) upLive(arguments ...string) *live {
	p.Helper()
	l := &live{run: p.up(arguments...)}
	l.await("it runs or fails", func(s v1alpha1.Session) bool {
		return healthy(target(s, "web:update")) && healthy(target(s, "web:runtime")) ||
			slices.ContainsFunc(s.Status.Targets, func(t v1alpha1.Target) bool {
				return t.State.Terminated != nil && t.State.Terminated.Error != ""
			})
	})
	if !healthy(target(l.session(), "web:runtime")) {
		l.Fatalf("it has failed; the targets are\n%s", l.targets())
	}
	l.pods, l.built = l.running(), l.lastBuild()
	return l
}

// running returns the pods that aren't being deleted, sorted by name, without those beside.
func (p *project) running() (names []string) {
	p.Helper()
	var pods corev1.PodList
	p.ok(json.Unmarshal([]byte(p.kubectl("get", "pods", "--selector=!beside", "--output=json")), &pods))
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp == nil {
			names = append(names, pod.Name)
		}
	}
	slices.Sort(names)
	return names
}

// lastBuild is when the last build of the image "web" began, zero while it's built or about to be.
func (l *live) lastBuild() time.Time {
	if terminated := target(l.session(), "image:web").State.Terminated; terminated != nil {
		return terminated.StartTime.Time
	}
	return time.Time{}
}

// edit writes files.
func (l *live) edit(files string) {
	l.Helper()
	l.edited = time.Now()
	l.write(files)
}

// remove removes files with all that is below them.
func (l *live) remove(paths ...string) {
	l.Helper()
	l.edited = time.Now()
	for _, path := range paths {
		l.ok(os.RemoveAll(filepath.Join(l.directory, path)))
	}
}

// awaitUpdate waits until an update has ended that began after the last edit.
func (l *live) awaitUpdate() {
	l.Helper()
	l.await("there is an update of the edit", func(s v1alpha1.Session) bool {
		terminated := target(s, "web:update").State.Terminated
		return terminated != nil && terminated.StartTime.After(l.edited)
	})
}

// awaitWait waits until a target waits for a reason.
func (l *live) awaitWait(name, reason string) {
	l.Helper()
	l.await(name+" waits: "+reason, func(s v1alpha1.Session) bool {
		waiting := target(s, name).State.Waiting
		return waiting != nil && waiting.WaitReason == reason
	})
}

// awaitActive waits until a target is active.
func (l *live) awaitActive(name string) {
	l.Helper()
	l.await(name+" is active", func(s v1alpha1.Session) bool { return target(s, name).State.Active != nil })
}

// inside returns what a script prints in the container of a pod.
func (p *project) inside(pod, script string) (string, error) {
	ctx, cancel := context.WithTimeout(p.Context(), patience)
	defer cancel()
	output, err := p.command(ctx, "kubectl", "exec", pod, "--container=app", "--", "/bin/sh", "-c", script).Output()
	return string(output), err
}

// awaitInside waits until a script prints a text, and nothing else, in all pods.
func (l *live) awaitInside(script, want string) {
	l.Helper()
	var got string
	l.Cleanup(func() {
		if l.Failed() && strings.TrimSpace(got) != want {
			l.Logf("%s prints %q", script, got)
		}
	})
	l.eventually(fmt.Sprintf("%s prints %q everywhere", script, want), func() bool {
		pods := l.running()
		return len(pods) > 0 && !slices.ContainsFunc(pods, func(pod string) bool {
			var err error
			got, err = l.inside(pod, script)
			return err != nil || strings.TrimSpace(got) != want
		})
	})
}

// wantInside waits until the edit has had an update, and a script prints a text in all pods.
func (l *live) wantInside(script, want string) {
	l.Helper()
	l.awaitUpdate()
	l.awaitInside(script, want)
}

// wantLive checks that neither images nor pods are other ones.
func (l *live) wantLive() {
	l.Helper()
	if pods := l.running(); !slices.Equal(pods, l.pods) {
		l.Errorf("the pods are %v, and were %v", pods, l.pods)
	}
	if built := l.lastBuild(); !built.Equal(l.built) {
		l.Errorf("the image was built at %s, and before at %s; the targets are\n%s", built, l.built, l.targets())
	}
	l.awaitReady("web:update", "web:runtime")
}

// wantBuild waits until all pods come of another build, and a script prints a text in them.
func (l *live) wantBuild(script, want string) {
	l.Helper()
	l.await("the image is built again", func(v1alpha1.Session) bool { return l.lastBuild().After(l.edited) })
	l.awaitUpdate()
	l.eventually("all pods are other ones", func() bool {
		pods := l.running()
		return len(pods) == len(l.pods) && !slices.ContainsFunc(pods, func(pod string) bool {
			return slices.Contains(l.pods, pod)
		})
	})
	l.awaitInside(script, want)
	l.awaitReady("web:update", "web:runtime")
	l.pods, l.built = l.running(), l.lastBuild()
}
