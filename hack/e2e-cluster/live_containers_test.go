// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build cluster

package cluster

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// Every container of the image takes the files, in all pods, and no other container does.
func TestLiveUpdateOfReplicas(t *testing.T) {
	t.Parallel()
	p := newLive(t, "sync('src/app', '/app')", forever)
	p.replace("web.yaml", "spec:\n  selector", "spec:\n  replicas: 3\n  selector")
	p.replace("web.yaml", "      containers:", `      containers:
      - {name: other, image: `+busybox+`, command: [sh, -c, '`+forever+`']}
      - {name: twin, image: web, command: [sh, -c, '`+forever+`']}`)
	l := p.upLive()
	l.edit("-- src/app/page --\nsecond\n")
	l.wantInside("cat /app/page", "second")
	for _, pod := range l.pods {
		if got := l.kubectl("exec", pod, "--container=twin", "--", "cat", "/app/page"); got != "second\n" {
			t.Errorf("the other container of pod %s has %q", pod, got)
		}
		if got, err := l.try("kubectl", "exec", pod, "--container=other", "--", "ls", "/app"); err == nil {
			t.Errorf("a container of another image has %s", got)
		}
	}
	l.wantLive()

	// One that goes away is no failure, and those that take its place get the files.
	l.kubectl("delete", "pod", l.pods[0], "--wait=false")
	l.edit("-- src/app/page --\nthird\n")
	l.awaitInside("cat /app/page", "third")
	l.pods = l.running()
	l.wantLive()
	l.kubectl("scale", "deployment/web", "--replicas=4")
	l.eventually("there are four", func() bool { l.pods = l.running(); return len(l.pods) == 4 })
	l.awaitInside("cat /app/page", "third")
	l.wantLive()
}

// A container that starts again gets the files again, and so does a new pod.
func TestLiveUpdateAfterRestart(t *testing.T) {
	t.Parallel()
	l := newLive(t, "sync('src/app', '/app'), run('cp /app/page /copy', trigger='src/app/page')", forever).upLive()
	l.edit("-- src/app/page --\nsecond\n")
	l.wantInside("cat /copy", "second")
	l.remove("src/app/lib")
	l.wantInside("ls /app", "page")

	_, _ = l.inside(l.pods[0], "kill 1")
	l.eventually("the container has restarted", func() bool {
		var pod corev1.Pod
		l.get("pod/"+l.pods[0], &pod)
		return pod.Status.ContainerStatuses[0].RestartCount == 1
	})
	l.awaitInside("cat /copy; ls /app", "second\npage")
	l.wantLive()

	l.kubectl("delete", "pod", l.pods[0])
	l.eventually("there is another pod", func() bool {
		pods := l.running()
		return len(pods) == 1 && pods[0] != l.pods[0]
	})
	l.awaitInside("cat /copy; ls /app", "second\npage")
	l.pods = l.running()
	l.wantLive()
	l.edit("-- src/app/page --\nthird\n")
	l.wantInside("cat /copy", "third")
	l.wantLive()
}

// A container that crashes while it takes files gets them when it runs again.
func TestLiveUpdateCrashesContainer(t *testing.T) {
	t.Parallel()
	l := newLive(t, "sync('src/app', '/app'), run('test -f /state/crashed || { touch /state/crashed; kill 1; sleep 100000; }')",
		forever, "volumeMounts: [{name: state, mountPath: /state}]").upLiveWithState()
	l.edit("-- src/app/page --\nsecond\n")
	l.awaitInside("cat /app/page", "second")
	l.awaitReady("web:update", "web:runtime")
}

// upLiveWithState gives the pods a volume that outlives their containers.
func (p *project) upLiveWithState() *live {
	p.replace("web.yaml", "      containers:", "      volumes: [{name: state, emptyDir: {}}]\n      containers:")
	return p.upLive()
}

// The files of a base image get into the containers of the images on top of it, by the steps of these or by its own.
func TestLiveUpdateOfBaseImage(t *testing.T) {
	t.Parallel()
	for name, builds := range map[string]string{
		"steps of the image": "docker_build('base', 'base')\ndocker_build('web', 'src', live_update=[sync('base/lib', '/lib'), sync('src/app', '/app')])",
		"steps of the base":  "docker_build('base', 'base', live_update=[sync('base/lib', '/lib')])\ndocker_build('web', 'src')",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newLive(t, "", forever)
			p.replace("Tiltfile", "docker_build('web', 'src', live_update=[])", builds)
			p.write("-- src/Dockerfile --\nFROM base\nCOPY app /app\n-- base/Dockerfile --\nFROM busybox\nCOPY lib /lib\n" +
				"-- base/lib/part --\nfirst\n-- base/other --\nfirst\n")
			l := p.upLive()
			l.edit("-- base/lib/part --\nsecond\n")
			l.wantInside("cat /lib/part", "second")
			l.wantLive()
			l.edit("-- base/other --\nsecond\n-- src/app/page --\nsecond\n")
			l.wantBuild("cat /lib/part /app/page", "second\nsecond")
		})
	}
}

// Whatever builds an image, and even if nothing does, its containers take files.
func TestLiveUpdateOfCustomBuildAndDeploy(t *testing.T) {
	t.Parallel()
	steps := "live_update=[fall_back_on('src/other'), sync('src/app', '/app')]"
	deploy := func(selector string) string {
		return `
local('docker build -q -t 127.0.0.1:5000/mine:1 src && docker push -q 127.0.0.1:5000/mine:1')
k8s_custom_deploy('web', './deploy', 'kubectl delete -f web.yaml', deps=['src', 'web.yaml'], ` + selector + ", " + steps + ")"
	}
	for name, test := range map[string]struct{ tiltfile, image string }{
		"custom_build": {`custom_build('web', 'docker build -q -t $EXPECTED_REF src', ['src'], ` + steps + ")\nk8s_yaml('web.yaml')", "web"},
		"files alone": {`
local('docker build -q -t 127.0.0.1:5000/mine:1 src && docker push -q 127.0.0.1:5000/mine:1')
custom_build('127.0.0.1:5000/mine', ':', ['src'], skips_local_docker=True, tag='1', live_update=[sync('src/app', '/app')])
k8s_yaml('web.yaml')`, "127.0.0.1:5000/mine:1"},
		"image_selector":     {deploy("image_selector='127.0.0.1:5000/mine'"), "127.0.0.1:5000/mine:1"},
		"container_selector": {deploy("container_selector='app'"), "127.0.0.1:5000/mine:1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newLive(t, "", forever)
			p.write("-- Tiltfile --\nallow_k8s_contexts('c')\n" + test.tiltfile + "\n" +
				"-- deploy --\n#!/bin/sh\necho deployed >>deploys\nkubectl apply -o yaml -f web.yaml\n")
			p.replace("web.yaml", "image: web", "image: "+test.image)
			l := p.upLive()
			l.edit("-- src/app/page --\nsecond\n")
			l.wantInside("cat /app/page", "second")
			l.wantLive()
			if strings.Contains(name, "selector") {
				if deploys := l.run.project.run("cat", "deploys"); deploys != "deployed\n" {
					t.Errorf("there was a deploy for what a live update brings: %s", deploys)
				}
				l.edit("-- src/other --\nsecond\n")
				l.eventually("what isn't synced is deployed", func() bool {
					return l.run.project.run("cat", "deploys") == "deployed\ndeployed\n"
				})
				l.awaitReady("web:update", "web:runtime")
			}
		})
	}
}

// Images without tar, rm and a shell get a static program for that.
func TestLiveUpdateOfDistrolessImage(t *testing.T) {
	t.Parallel()
	for name, fields := range map[string]string{
		"root":      "",
		"own files": "securityContext: {runAsUser: 65532, runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}",
		"read-only": "securityContext: {readOnlyRootFilesystem: true, runAsUser: 65532}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newFiles(t, "scratch", fields)
			p.replace("src/Dockerfile", "COPY app", "COPY --chown=65532:65532 app")
			if name == "read-only" {
				p.replace("web.yaml", "        image: web", "        image: web\n        volumeMounts: [{name: v, mountPath: /app}, {name: v, mountPath: /tmp, subPath: tmp}]")
				p.replace("web.yaml", "      containers:", "      securityContext: {fsGroup: 65532}\n      volumes: [{name: v, emptyDir: {}}]\n      containers:")
			}
			l := p.upLive("--live-update-helper=" + busybox)
			l.edit("-- src/app/page --\nsecond\n-- src/app/new/part --\nnew\n")
			l.awaitUpdate()
			if got := l.read("/app/page") + l.read("/app/new/part"); got != "second\nnew\n" {
				t.Errorf("the container has %q", got)
			}
			l.remove("src/app/page")
			l.awaitUpdate()
			if got := l.read("/app/page"); !strings.Contains(got, "404") {
				t.Errorf("the container still has %q", got)
			}
			l.wantLive()
		})
	}
}

// An entrypoint that starts its program again when a file changes is all that a restart needs.
func TestRestartByWrapper(t *testing.T) {
	t.Parallel()
	p := newLive(t, "sync('src/app', '/app'), run('date +%s%N >/tmp/.restart-proc', trigger='src/app/page')", forever)
	p.replace("web.yaml", "        command: [sh, -c, '"+forever+"']\n", "")
	p.replace("Tiltfile", "live_update", "entrypoint=['/app/restart', 'sh', '-c', 'echo page $(cat /app/page); exec sleep 100000'], live_update")
	p.write(`
-- src/app/restart --
#!/bin/sh
# Runs a program, and again whenever the file changes.
mkdir -p /tmp
touch /tmp/.restart-proc
trap 'kill $program; exit' TERM
while true; do
	before=$(cat /tmp/.restart-proc)
	"$@" &
	program=$!
	while test "$(cat /tmp/.restart-proc)" = "$before"; do sleep 0.05; done
	kill $program
	wait $program
done
`)
	l := p.upLive()
	l.awaitOutput("page first")
	l.edit("-- src/app/page --\nsecond\n")
	l.awaitOutput("page second")
	l.edit("-- src/app/lib/part --\nsecond\n")
	l.wantInside("cat /app/lib/part", "second")
	l.edit("-- src/app/page --\nthird\n")
	l.awaitOutput("page third")
	if n := strings.Count(l.output.String(), "page second"); n != 1 {
		t.Errorf("the program was started %d times with the same page", n)
	}
	l.wantLive()
}
