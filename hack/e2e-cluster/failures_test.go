// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build cluster

package cluster

import (
	"strings"
	"testing"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// workload is a Deployment "web" that runs a shell script, with further fields of its container.
func workload(script string, fields ...string) string {
	return `
-- web.yaml --
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: app
        image: busybox
        command: [sh, -c, '` + script + `']
        ` + strings.Join(fields, "\n        ") + "\n"
}

const tiltfile = `
-- Tiltfile --
allow_k8s_contexts('c')
ci_settings(timeout='5m', readiness_timeout='2m')
k8s_yaml('web.yaml')
`

// impatient is a Tiltfile for workloads that never become ready.
const impatient = `
-- Tiltfile --
allow_k8s_contexts('c')
ci_settings(timeout='5m', readiness_timeout='15s')
k8s_yaml('web.yaml')
`

func TestCrashLoop(t *testing.T) {
	t.Parallel()
	p := newProject(t, tiltfile+workload("echo doomed; exit 3"))
	ci := p.ci()
	ci.wantExit(1, "doomed")
	ci.wantError("web:runtime", "container app", "code 3")
	if !healthy(target(ci.session(), "web:update")) {
		t.Errorf("the deploy has failed; the targets are\n%s", ci.targets())
	}
}

func TestBadImage(t *testing.T) {
	t.Parallel()
	p := newProject(t, tiltfile+workload("exit 0"))
	p.replace("web.yaml", "busybox:1", "nothing:1")
	ci := p.ci()
	ci.wantExit(1)
	ci.wantError("web:runtime", "container app", "ImagePull")
}

func TestUnschedulable(t *testing.T) {
	t.Parallel()
	p := newProject(t, impatient+workload("exec sleep 1000", "resources: {requests: {cpu: 1000}}"))
	ci := p.ci()
	ci.wantExit(3, "Unschedulable", "Insufficient cpu")
}

func TestQuota(t *testing.T) {
	t.Parallel()
	p := newProject(t, impatient+workload("exec sleep 1000"))
	p.kubectl("create", "quota", "none", "--hard=pods=0")
	ci := p.ci()
	ci.wantExit(3, "exceeded quota")
}

func TestNeverReady(t *testing.T) {
	t.Parallel()
	p := newProject(t, impatient+workload("exec sleep 1000", "readinessProbe: {exec: {command: [/bin/false]}, periodSeconds: 1}"))
	ci := p.ci()
	ci.wantExit(3)
	active := target(ci.session(), "web:runtime").State.Active
	if active == nil || active.Ready {
		t.Errorf("the targets are\n%s", ci.targets())
	}
}

// A server may fail for as long as the period lasts, and then be well.
func TestGracePeriod(t *testing.T) {
	t.Parallel()
	p := newProject(t, `
-- Tiltfile --
allow_k8s_contexts('c')
ci_settings(timeout='5m', k8s_grace_period='3m')
k8s_yaml('web.yaml')
`+workload("test -f /state/up && exec sleep 1000; touch /state/up; exit 1", "volumeMounts: [{name: state, mountPath: /state}]"))
	p.replace("web.yaml", "      containers:", "      volumes: [{name: state, emptyDir: {}}]\n      containers:")
	p.ci().wantExit(0, "SUCCESS. All workloads are healthy.")
}

const job = `
-- Tiltfile --
allow_k8s_contexts('c')
ci_settings(timeout='5m')
k8s_yaml('job.yaml')
-- job.yaml --
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  backoffLimit: 1
  template:
    spec:
      restartPolicy: Never
      volumes: [{name: state, hostPath: {path: STATE}}]
      containers:
      - name: app
        image: busybox
        volumeMounts: [{name: state, mountPath: /state}]
        command: [sh, -c, 'SCRIPT']
`

// newJob has a directory of the node that its attempts share.
func newJob(t *testing.T, script string) *project {
	t.Helper()
	return newProject(t, strings.NewReplacer("STATE", t.TempDir(), "SCRIPT", script).Replace(job))
}

func TestFailingJob(t *testing.T) {
	t.Parallel()
	p := newJob(t, "echo attempt; exit 4")
	ci := p.ci()
	ci.wantExit(1, "attempt")
	ci.wantError("migrate:runtime", "migrate", "BackoffLimitExceeded")
	if pods := p.objects("pods"); len(pods) != 2 {
		t.Errorf("the Job had pods %v, want two attempts", pods)
	}
}

func TestJobThatSucceedsLater(t *testing.T) {
	t.Parallel()
	p := newJob(t, "test -f /state/tried && exit 0; touch /state/tried; exit 4")
	ci := p.ci()
	ci.wantExit(0)
	if target := target(ci.session(), "migrate:runtime"); target.State.Terminated == nil || target.Type != v1alpha1.TargetTypeJob {
		t.Errorf("the targets are\n%s", ci.targets())
	}
}

func TestRefusedObject(t *testing.T) {
	t.Parallel()
	p := newProject(t, tiltfile+workload("exit 0", "ports: [{containerPort: 99999}]"))
	ci := p.ci()
	ci.wantExit(1)
	ci.wantError("web:update", "web", "containerPort")
}

func TestFailingBuild(t *testing.T) {
	t.Parallel()
	p := newProject(t, tiltfile+`
-- Dockerfile --
FROM busybox
RUN echo this fails && exit 7
`+workload("exec sleep 1000"))
	p.replace("Tiltfile", "k8s_yaml", "docker_build('web', '.')\nk8s_yaml")
	p.replace("web.yaml", busybox, "web")
	ci := p.ci()
	ci.wantExit(1, "this fails")
	ci.wantError("image:web", "7")
	if got := p.objects("deployments"); len(got) != 0 {
		t.Errorf("deployed without an image: %v", got)
	}
}
