// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build cluster

package cluster

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// verb runs a verb of tilt-session on a run.
func (r *run) verb(arguments ...string) {
	r.Helper()
	_, after, _ := strings.Cut(r.output.String(), ", context tilt-")
	port, _, _ := strings.Cut(after, " ")
	r.project.run(*binary, append(arguments, "--port="+port)...)
}

// A trigger restarts the rollout: pods are other ones, the Deployment is the same.
func TestTrigger(t *testing.T) {
	t.Parallel()
	p := newProject(t, tiltfile+workload("exec sleep 1000"))
	up := p.up()
	up.awaitReady("web:runtime")
	var before, after appsv1.Deployment
	p.get("deployment/web", &before)
	pods := p.objects("pods")
	up.verb("trigger", "web")
	p.eventually("the pod is another one", func() bool {
		now := p.objects("pods")
		return len(now) == 1 && !slices.Equal(now, pods)
	})
	up.awaitReady("web:update", "web:runtime")
	p.get("deployment/web", &after)
	if after.UID != before.UID {
		t.Error("the Deployment was replaced")
	}
}

// What can't be changed is replaced, and the log says so.
func TestImmutableField(t *testing.T) {
	t.Parallel()
	p := newProject(t, tiltfile+workload("exec sleep 1000"))
	p.ci().wantExit(0)
	var before, after appsv1.Deployment
	p.get("deployment/web", &before)
	p.replace("web.yaml", "app: web", "app: web, tier: front")
	p.ci().wantExit(0, "spec.selector")
	p.get("deployment/web", &after)
	if after.UID == before.UID || after.Spec.Selector.MatchLabels["tier"] != "front" {
		t.Error("the Deployment wasn't replaced")
	}
}

func TestSecretIsRedacted(t *testing.T) {
	t.Parallel()
	p := newProject(t, tiltfile+`
-- secret.yaml --
apiVersion: v1
kind: Secret
metadata: {name: login}
stringData: {password: correct-horse}
`+workload(`echo "it is $PASSWORD"; echo "base64 $(echo -n $PASSWORD | base64)"; exec sleep 1000`,
		"env: [{name: PASSWORD, valueFrom: {secretKeyRef: {name: login, key: password}}}]"))
	p.replace("Tiltfile", "'web.yaml'", "['secret.yaml', 'web.yaml']")
	up := p.up()
	up.awaitOutput("it is [redacted secret login:password]")
	up.awaitOutput("base64 [redacted secret login:password]")
	up.signal(syscall.SIGINT)
	if output := up.output.String(); strings.Contains(output, "correct-horse") {
		t.Errorf("the secret is printed: %s", output)
	}
}

// Disabled resources stay in the cluster, and so does everything when a run ends.
func TestDisable(t *testing.T) {
	t.Parallel()
	p := newProject(t, settings("one", "two"))
	up := p.up()
	up.awaitReady("one:update", "two:update")
	up.verb("disable", "one")
	up.await("it is disabled", func(s v1alpha1.Session) bool {
		state := target(s, "one:update").State
		return state.Active == nil && state.Waiting == nil && state.Terminated == nil
	})
	p.wantSettings(map[string]bool{"one": true, "two": true})
	up.signal(syscall.SIGTERM)
	p.wantSettings(map[string]bool{"one": true, "two": true})
}

// A change of a port forward deploys nothing, and a rollout doesn't interrupt it.
func TestPortForward(t *testing.T) {
	t.Parallel()
	p := newProject(t, tiltfile+workload("mkdir w; echo version 1 >w/index.html; exec httpd -f -p 8080 -h w",
		"ports: [{containerPort: 8080}]", "readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}"))
	port := freePort(t)
	up := p.up()
	up.awaitReady("web:runtime")
	var before, after appsv1.Deployment
	p.get("deployment/web", &before)
	p.write("-- Tiltfile --\nallow_k8s_contexts('c')\nk8s_yaml('web.yaml')\nk8s_resource('web', port_forwards=" + strconv.Itoa(port) + ")\n")
	url := "http://127.0.0.1:" + strconv.Itoa(port)
	p.eventually("the port is forwarded", func() bool { return strings.Contains(get(url), "version 1") })
	p.get("deployment/web", &after)
	if after.Generation != before.Generation || after.ResourceVersion != before.ResourceVersion {
		t.Error("a change of a port forward has changed the Deployment")
	}
	p.replace("web.yaml", "version 1", "version 2")
	refused := 0
	p.eventually("the port leads to the new pod", func() bool {
		answer := get(url)
		if strings.Contains(answer, "connection refused") {
			refused++
		}
		return strings.Contains(answer, "version 2")
	})
	if refused != 0 {
		t.Errorf("the listener was away %d times", refused)
	}
}

// get returns what an URL has, or the error.
func get(url string) string {
	client := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(url)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

// Logs are those of all containers from the deploy on, across restarts.
func TestLogs(t *testing.T) {
	t.Parallel()
	p := newProject(t, tiltfile+workload("test -f /state/up || { touch /state/up; echo first life; exit 1; }; echo second life; exec sleep 1000",
		"volumeMounts: [{name: state, mountPath: /state}]"))
	p.replace("web.yaml", "      containers:", `      volumes: [{name: state, emptyDir: {}}]
      initContainers:
      - {name: prepare, image: `+busybox+`, command: [sh, -c, echo prepared]}
      containers:`)
	up := p.up()
	up.awaitReady("web:runtime")
	for _, line := range []string{"prepared", "first life", "second life"} {
		up.awaitOutput(line)
		if n := strings.Count(up.output.String(), line); n != 1 {
			t.Errorf("%q is logged %d times", line, n)
		}
	}
	var pods corev1.PodList
	p.get("pods", &pods)
	if len(pods.Items) != 1 || pods.Items[0].Status.ContainerStatuses[0].RestartCount != 1 {
		t.Error("the container hasn't restarted once")
	}
}
