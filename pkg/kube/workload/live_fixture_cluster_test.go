//go:build cluster

// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/kube/cluster"
	"tilt.dev/session/pkg/model"
)

// testBusybox is an image with a static BusyBox as its shell and tools, made from testdata/busybox.
var testBusybox = os.Getenv("TEST_BUSYBOX")

// testHelper is an image with nothing but a static BusyBox, made from testdata/helper.
var testHelper = os.Getenv("TEST_HELPER")

// testUser is testImage with another user than root, made from testdata/user.
var testUser = os.Getenv("TEST_USER")

// liveFixture is a workload whose containers take the files of a directory, as an engine has them do.
type liveFixture struct {
	*reports
	// source is the directory, synced to /app.
	source  string
	changes uint64
	files   map[string]uint64

	mu     sync.Mutex
	states [][]engine.LiveState
}

// newLiveFixture starts the workload of objects, with an update of the containers named "app".
func newLiveFixture(t *testing.T, steps model.LiveSteps, objects ...string) *liveFixture {
	t.Helper()
	return startLiveFixture(newFixture(t, nil), steps, objects...)
}

func startLiveFixture(f *fixture, steps model.LiveSteps, objects ...string) *liveFixture {
	f.Helper()
	f.runner.options.Helper = testHelper
	l := &liveFixture{reports: &reports{fixture: f}, source: f.TempDir(), files: map[string]uint64{}}
	for i := range steps.Syncs {
		steps.Syncs[i].Local = filepath.Join(l.source, steps.Syncs[i].Local)
	}
	for i := range steps.Runs {
		for j := range steps.Runs[i].Triggers {
			steps.Runs[i].Triggers[j] = filepath.Join(l.source, steps.Runs[i].Triggers[j])
		}
	}
	for i := range objects {
		objects[i] = strings.ReplaceAll(objects[i], "BUSYBOX", testBusybox)
	}
	w := &model.Workload{Readiness: model.PodReadinessWait, Resource: "web", Cluster: &model.Cluster{Namespace: f.namespace}}
	l.request = engine.RuntimeRequest{Task: "web", Runtime: w, Log: engine.NewLog(f.store, "web"),
		Output:      f.apply(objects...),
		LiveUpdates: []model.LiveUpdate{{LiveSteps: steps, Container: "app"}},
		ReportLive: func(states []engine.LiveState) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.states = append(l.states, states)
		},
	}
	var err error
	if l.Runtime, err = f.runner.StartRuntime(l.request); err != nil {
		f.Fatal(err)
	}
	return l
}

// state is the last state that was reported.
func (l *liveFixture) state() (engine.LiveState, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.states) == 0 {
		return engine.LiveState{}, false
	}
	return l.states[len(l.states)-1][0], true
}

// awaitState waits for a state.
func (l *liveFixture) awaitState(what string, ok func(engine.LiveState) bool) {
	l.Helper()
	l.eventually(what, func() bool {
		s, known := l.state()
		return known && ok(s)
	})
}

// awaitRunning waits for a number of running containers.
func (l *liveFixture) awaitRunning(n int) []corev1.Pod {
	l.Helper()
	var running []corev1.Pod
	l.eventually(fmt.Sprintf("%d running containers", n), func() bool {
		list, err := l.connection.Core.Pods(l.namespace).List(l.Context(), metav1.ListOptions{})
		if err != nil {
			l.Fatal(err)
		}
		running = slices.DeleteFunc(list.Items, func(p corev1.Pod) bool {
			s := containerStatus(&p, "app")
			return s == nil || s.State.Running == nil || p.DeletionTimestamp != nil
		})
		return len(running) == n
	})
	live := l.Runtime.(*activity).live
	l.eventually("that they are known", func() bool {
		for i := range running {
			if !live.Takes(memberID(&running[i], containerStatus(&running[i], "app"))) {
				return false
			}
		}
		return true
	})
	return running
}

// write writes a file, which is a change.
func (l *liveFixture) write(name, content string, mode os.FileMode) {
	l.Helper()
	path := filepath.Join(l.source, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		l.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		l.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		l.Fatal(err)
	}
	l.changed(name)
}

// changed notes a change of a file.
func (l *liveFixture) changed(name string) {
	l.changes++
	l.files[filepath.Join(l.source, name)] = l.changes
}

// begin begins an update of what has changed.
func (l *liveFixture) begin() engine.Activity {
	l.Helper()
	var files []engine.ChangedFile
	for path, change := range l.files {
		files = append(files, engine.ChangedFile{Path: path, Change: change})
	}
	slices.SortFunc(files, func(a, b engine.ChangedFile) int { return int(a.Change) - int(b.Change) })
	a, err := l.Runtime.(engine.LiveUpdater).StartLiveUpdate(engine.LiveUpdateRequest{
		Task: "web", Log: l.request.Log, Files: [][]engine.ChangedFile{files}})
	if err != nil {
		l.Fatal(err)
	}
	return a
}

// update updates the containers, and returns how that has ended.
func (l *liveFixture) update() engine.End {
	l.Helper()
	a := l.begin()
	select {
	case <-a.Done():
	case <-time.After(slow):
		l.Fatal("the live update doesn't end")
	}
	return a.End()
}

func (l *liveFixture) updateWell() {
	l.Helper()
	if end := l.update(); end.Error != "" || end.Rebuild != "" {
		l.Fatalf("the update has failed: %+v", end)
	}
}

// in runs a command in the container of a pod.
func (l *liveFixture) in(pod string, argv ...string) string {
	l.Helper()
	var out bytes.Buffer
	command := cluster.Exec{Namespace: l.namespace, Pod: pod, Container: "app", Argv: argv, Stdout: &out, Stderr: &out}
	if err := command.Run(l.Context(), l.connection); err != nil {
		return fmt.Sprintf("%s[%v]", out.String(), err)
	}
	return out.String()
}

// app is a Deployment with a container "app" that waits for its end, with more fields of the container and of the pod.
func app(replicas int, image, container, pod string) string {
	command := `command: [sh, -c, 'trap exit TERM; mkdir -p /app; while true; do sleep 0.2; done']`
	if image != "BUSYBOX" {
		command = `args: ["serve=:8080"]`
	}
	return fmt.Sprintf(`{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: %d,
  selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {terminationGracePeriodSeconds: 1,
  containers: [{name: app, image: %q, %s %s}] %s}}}}`, replicas, image, command, container, pod)
}

func toApp() model.LiveSteps {
	return model.LiveSteps{Syncs: []model.Sync{{Local: "src", Remote: "/app"}}}
}

func isReady(s engine.LiveState) bool   { return s.Phase == engine.LiveReady }
func isLacking(s engine.LiveState) bool { return s.Phase == engine.LiveReady && s.Lacking }
