//go:build cluster

// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	admission "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"tilt.dev/session/pkg/kube/cluster"
)

// proxy leads to the API server while it is open.
type proxy struct {
	t        *testing.T
	target   string
	address  string
	mu       sync.Mutex
	listener net.Listener
	conns    []net.Conn
}

func (p *proxy) open() {
	address := p.address
	if address == "" {
		address = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		p.t.Error(err)
		return
	}
	p.mu.Lock()
	p.listener, p.address = listener, listener.Addr().String()
	p.mu.Unlock()
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", p.target)
			if err != nil {
				_ = client.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, client, server)
			p.mu.Unlock()
			go func() { _, _ = io.Copy(server, client) }()
			go func() { _, _ = io.Copy(client, server) }()
		}
	}()
}

func (p *proxy) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.listener.Close()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}

func TestAway(t *testing.T) {
	b := newBench(t)
	server, err := url.Parse(b.conn.Server)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, target: server.Host}
	p.open()
	defer p.close()
	config, err := clientcmd.LoadFromFile(b.conn.Cluster.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range config.Clusters {
		c.Server, c.TLSServerName = "https://"+p.address, server.Hostname()
	}
	path := filepath.Join(t.TempDir(), "config")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	b.frozen = cluster.Freeze(cluster.Options{Kubeconfig: path, Directory: t.TempDir()})
	d := b.another("away", "ada", false)
	if end := b.run(d, b.resource("web", configMap), false); end.Error != "" {
		t.Fatal(end.Error)
	}
	p.close()
	back := time.AfterFunc(8*time.Second, p.open)
	defer back.Stop()
	begin := time.Now()
	if end := b.run(d, b.resource("web", web+"---"+configMap), false); end.Error != "" {
		t.Fatal(end.Error)
	}
	b.logged("doesn't answer at https://127.0.0.1")
	if time.Since(begin) < 7*time.Second {
		t.Fatal("too early")
	}
	p.close()
	b.timeout = time.Second
	end := b.run(d, b.resource("web", configMap), false)
	if !strings.Contains(end.Error, `cluster of context "c" doesn't answer`) || time.Since(begin) > 20*time.Second {
		t.Errorf("error %q", end.Error)
	}
	p.open()
}

func TestWebhook(t *testing.T) {
	b := newBench(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	client, err := kubernetes.NewForConfig(b.conn.Config)
	if err != nil {
		t.Fatal(err)
	}
	address, limit := "https://"+silent.Addr().String(), int32(30)
	fail, none := admission.Fail, admission.SideEffectClassNone
	hooks := client.AdmissionregistrationV1().ValidatingWebhookConfigurations()
	_, err = hooks.Create(t.Context(), &admission.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: b.namespace},
		Webhooks: []admission.ValidatingWebhook{{
			Name: "slow.example.com", ClientConfig: admission.WebhookClientConfig{URL: &address},
			FailurePolicy: &fail, SideEffects: &none, TimeoutSeconds: &limit,
			AdmissionReviewVersions: []string{"v1"},
			NamespaceSelector: &metav1.LabelSelector{
				MatchLabels: map[string]string{"kubernetes.io/metadata.name": b.namespace},
			},
			Rules: []admission.RuleWithOperations{{
				Operations: []admission.OperationType{"*"},
				Rule:       admission.Rule{APIGroups: []string{""}, APIVersions: []string{"*"}, Resources: []string{"services"}},
			}},
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = hooks.Delete(t.Context(), b.namespace, metav1.DeleteOptions{}) }()
	time.Sleep(2 * time.Second) // The server reads webhooks in the background and says nowhere when it has.
	service := "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {ports: [{port: 80}]}}"
	b.timeout = 3 * time.Second
	b.refused(service, "waiting for an admission webhook: slow.example.com")
	_ = silent.Close()
	b.refused(service, `failed calling webhook "slow.example.com"`)
}
