// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build cluster

package cluster

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// requests are those that pass through a proxy of the API server.
type requests struct {
	mu  sync.Mutex
	all []string
}

// take returns the requests since the last call, as "METHOD /path".
func (r *requests) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.all
	r.all = nil
	return all
}

// counted puts a proxy between the project and the API server.
func (p *project) counted() *requests {
	p.Helper()
	server, err := url.Parse(p.kubectl("config", "view", "--raw", "--output=jsonpath={.clusters[0].cluster.server}"))
	p.ok(err)
	authority, err := os.ReadFile(p.kubectl("config", "view", "--output=jsonpath={.clusters[0].cluster.certificate-authority}"))
	p.ok(err)
	token := p.kubectl("config", "view", "--raw", "--output=jsonpath={.users[0].user.token}")
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	counted := &requests{}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	proxy := &httputil.ReverseProxy{
		Transport: transport, FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			counted.mu.Lock()
			counted.all = append(counted.all, r.In.Method+" "+r.In.URL.Path)
			counted.mu.Unlock()
			r.SetURL(server)
			r.Out.Header.Set("Authorization", "Bearer "+token) // Clients send none without TLS.
		},
	}
	front := httptest.NewServer(proxy)
	p.Cleanup(func() {
		p.kubectl("config", "set-cluster", "c", "--server="+server.String())
		front.CloseClientConnections()
		front.Close()
		transport.CloseIdleConnections()
	})
	p.kubectl("config", "set-cluster", "c", "--server="+front.URL)
	return counted
}

const replicas = 20

// others are Deployments whose pods only KWOK believes to run, on a node.
func others(node string, count int) string {
	var text strings.Builder
	for i := range count {
		fmt.Fprintf(&text, `
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: other-%d}
spec:
  replicas: %d
  selector: {matchLabels: {app: other-%[1]d}}
  template:
    metadata: {labels: {app: other-%[1]d, beside: 'yes'}}
    spec:
      nodeName: %[3]s
      containers: [{name: app, image: nowhere/other}]
`, i, replicas, node)
	}
	return text.String()
}

// simulate has KWOK believe in a node with the name, for the time of the test.
func (p *project) simulate(node string) {
	p.Helper()
	program, err := exec.LookPath("kwok")
	p.ok(err)
	kwok := p.command(p.Context(), program, "--kubeconfig="+p.kubeconfig, "--manage-single-node="+node,
		"--node-lease-duration-seconds=4", "--config="+filepath.Join(filepath.Dir(program), "stages.yaml"))
	kwok.Stderr = &output{}
	p.ok(kwok.Start())
	p.Cleanup(func() {
		_ = kwok.Wait() // The end of the test has killed it.
		p.kubectl("delete", "node", node)
		if p.Failed() {
			p.Log(kwok.Stderr)
		}
	})
	p.write("-- node.yaml --\napiVersion: v1\nkind: Node\nmetadata: {name: " + node + "}\n" +
		"spec: {taints: [{key: believed, effect: NoSchedule}]}\nstatus: {allocatable: {cpu: 1000, memory: 1Ti, pods: 1000}}\n")
	p.kubectl("create", "--filename=node.yaml")
}

// processorTime is what a process has used so far.
func (r *run) processorTime() time.Duration {
	r.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.process.Process.Pid))
	r.ok(err)
	_, after, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(after)
	var ticks int
	for _, field := range fields[11:13] {
		n, err := strconv.Atoi(field)
		r.ok(err)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// A live update costs no request but those to its own containers, however many pods the project has beside.
func TestLiveUpdateBesideManyPods(t *testing.T) {
	t.Parallel()
	for _, beside := range []int{0, 500} {
		t.Run(fmt.Sprint(beside), func(t *testing.T) {
			t.Parallel()
			p := newLive(t, "sync('src/app', '/app')", forever)
			if beside > 0 {
				p.simulate(p.namespace)
				p.write("-- others.yaml --" + others(p.namespace, beside/replicas))
				p.replace("Tiltfile", "k8s_yaml", "k8s_yaml('others.yaml')\nk8s_yaml")
			}
			counted := p.counted()
			l := p.upLive()
			for i := range beside / replicas {
				l.awaitReady(fmt.Sprintf("other-%d:runtime", i))
			}
			l.edit("-- src/app/page --\nfirst save\n") // Labels the pod.
			l.awaitUpdate()
			counted.take()
			before := l.processorTime()
			const saves = 5
			for i := range saves {
				l.edit(fmt.Sprintf("-- src/app/page --\nsave %d\n", i))
				l.awaitUpdate()
			}
			used := l.processorTime() - before
			t.Logf("%s of processor time for %d live updates beside %d pods", used, saves, beside)
			var execs int
			for _, request := range counted.take() {
				if strings.HasSuffix(request, "/exec") {
					execs++
				} else {
					t.Errorf("a request that isn't for a container: %s", request)
				}
			}
			if execs != saves {
				t.Errorf("%d execs for %d changes", execs, saves)
			}
			l.wantLive()
		})
	}
}
