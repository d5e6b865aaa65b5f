//go:build cluster

// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"tilt.dev/session/pkg/model"
)

// testImage has nothing but a static program.
func TestClusterLiveUpdateHelper(t *testing.T) {
	for name, test := range map[string]struct{ container, pod, program string }{
		"root":             {"", "", "/.tilt-session/busybox"},
		"dropped rights":   {`, securityContext: {capabilities: {drop: [ALL]}, allowPrivilegeEscalation: false}`, "", "/.tilt-session/busybox"},
		"user of the spec": {userOfApp, volumeOfUser, "/app/.tilt-session/busybox"},
		"user of the pod": {`, volumeMounts: [{name: app, mountPath: /app}]`, strings.ReplaceAll(volumeOfUser, "fsGroup",
			"runAsNonRoot: true, runAsUser: 1000, fsGroup"), "/app/.tilt-session/busybox"},
		"user of the image": {`, volumeMounts: [{name: app, mountPath: /app}]`, `, volumes: [{name: app, emptyDir: {}}]`,
			"/app/.tilt-session/busybox"},
		"temporary directory": {`, volumeMounts: [{name: app, mountPath: /tmp}]`, `, volumes: [{name: app, emptyDir: {}}]`,
			"/tmp/.tilt-session/busybox"},
	} {
		t.Run(name, func(t *testing.T) {
			steps := toApp()
			steps.Runs = []model.LiveRun{{Argv: []string{"/image", "print=ran"}}}
			image := "IMAGE"
			if name == "user of the image" {
				image = testUser
			}
			l := newLiveFixture(t, steps, app(1, image, test.container, test.pod))
			pod := l.awaitRunning(1)[0].Name
			l.write("src/dir/file", strings.Repeat("x", 1<<20), 0o640)
			if err := os.Symlink("dir/file", filepath.Join(l.source, "src/link")); err != nil {
				t.Fatal(err)
			}
			l.changed("src/link")
			begin := time.Now()
			l.updateWell()
			t.Logf("the first update took %s", time.Since(begin))
			stat := func() string { return l.in(pod, test.program, "stat", "-L", "-c", "%s %a", "/app/link") }
			if got := stat(); got != "1048576 640\n" {
				t.Errorf("the file is %q", got)
			}
			l.write("src/dir/file", "x", 0o755)
			l.write("src/other", "x", 0o644)
			l.updateWell()
			if got := stat(); got != "1 755\n" {
				t.Errorf("the file is %q", got)
			}
			if err := os.Remove(filepath.Join(l.source, "src/other")); err != nil {
				t.Fatal(err)
			}
			l.changed("src/other")
			l.updateWell()
			if got := l.in(pod, test.program, "ls", "/app"); got != "dir\nlink\n" {
				t.Errorf("the container has %q", got)
			}
			p, err := l.connection.Core.Pods(l.namespace).Get(t.Context(), pod, metav1.GetOptions{})
			if err != nil || len(p.Spec.EphemeralContainers) != 1 {
				t.Errorf("the pod has %d ephemeral containers, %v", len(p.Spec.EphemeralContainers), err)
			}
			if strings.Count(l.log(), "\nran\n") != 3 {
				t.Error("the command didn't run each time")
			}
		})
	}
}

const (
	userOfApp = `, securityContext: {runAsUser: 1000, runAsNonRoot: true, allowPrivilegeEscalation: false,
    capabilities: {drop: [ALL]}, readOnlyRootFilesystem: true}, volumeMounts: [{name: app, mountPath: /app}]`
	volumeOfUser = `, securityContext: {fsGroup: 1000}, volumes: [{name: app, emptyDir: {}}]`
)

func TestClusterLiveUpdateHelperFails(t *testing.T) {
	for name, test := range map[string]struct {
		container, pod, helper, said string
		edit                         func(*rest.Config)
	}{
		"read-only": {container: `, securityContext: {readOnlyRootFilesystem: true}`,
			said: "; its root file system is read-only: mount an emptyDir at /tmp; or use an image with tar"},
		"another user": {container: `, securityContext: {runAsUser: 1000}`, said: "its user may write nowhere"},
		"no image": {helper: "127.0.0.1:5000/none:1", said: "if the cluster can't pull the image, give it a copy with " +
			"--live-update-helper"},
		"shared processes": {pod: ", shareProcessNamespace: true", said: "leave out shareProcessNamespace"},
		"policy":           {said: "violates PodSecurity"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLiveFixture(t, toApp(), app(1, "IMAGE", test.container, test.pod))
			if test.helper != "" {
				l.runner.options.Helper = test.helper
			}
			pod := l.awaitRunning(1)[0].Name
			if name == "policy" {
				l.restrict()
			}
			l.write("src/file", "", 0o644)
			end := l.update()
			if !strings.HasPrefix(end.Rebuild, "UpdateFailed: container "+pod+"/app: it has no tar, and that can't be brought there: ") ||
				!strings.Contains(end.Rebuild, test.said) {
				t.Errorf("the end is %+v", end)
			}
			if name == "policy" {
				return
			}
			l.write("src/file", "", 0o644)
			again := l.update()
			p, err := l.connection.Core.Pods(l.namespace).Get(t.Context(), pod, metav1.GetOptions{})
			if err != nil || len(p.Spec.EphemeralContainers) > 1 || again.Rebuild != end.Rebuild {
				t.Errorf("it was tried again: %+v, %v", again, err)
			}
		})
	}
}

// restrict has the namespace refuse pods that aren't restricted from now on.
func (l *liveFixture) restrict() {
	n, err := l.connection.Core.Namespaces().Get(l.Context(), l.namespace, metav1.GetOptions{})
	if err == nil {
		n.Labels = map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}
		_, err = l.connection.Core.Namespaces().Update(l.Context(), n, metav1.UpdateOptions{})
	}
	if err != nil {
		l.Fatal(err)
	}
}

// Rights that are missing say which.
func TestClusterLiveUpdateHelperRights(t *testing.T) {
	name := ""
	f := newFixture(t, func(config *rest.Config) {
		config.Impersonate.UserName = "system:serviceaccount:" + name + ":default"
	})
	name = f.namespace
	l := startLiveFixture(f, toApp(), app(1, "IMAGE", "", ""), `{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: few}, rules: [
  {apiGroups: [""], resources: [pods, events], verbs: [get, list, watch]}, {apiGroups: [""], resources: [pods/exec], verbs: [get, create]},
  {apiGroups: [apps], resources: [deployments, replicasets], verbs: [get, list, watch]}]}`,
		`{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: few}, subjects: [{kind: ServiceAccount, name: default}],
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: few}}`)
	l.awaitRunning(1)
	l.write("src/file", "", 0o644)
	if end := l.update(); !strings.Contains(end.Rebuild, "get the right to update pods/ephemeralcontainers") {
		t.Errorf("the end is %+v", end)
	}
}
