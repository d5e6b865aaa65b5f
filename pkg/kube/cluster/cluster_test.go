// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"

	"tilt.dev/session/pkg/model"
)

const first = `
apiVersion: v1
kind: Config
current-context: one
contexts:
- {name: one, context: {cluster: kind-dev, user: u}}
- {name: two, context: {cluster: gke_x, user: u, namespace: prod}}
clusters:
- {name: kind-dev, cluster: {server: "https://one.invalid", certificate-authority: ca.crt}}
- {name: gke_x, cluster: {server: "https://two.invalid"}}
users:
- {name: u, user: {tokenFile: token,
    exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, interactiveMode: Never}}}
`

const second = `
apiVersion: v1
kind: Config
current-context: three
contexts:
- {name: one, context: {cluster: other, user: u}}
- {name: three, context: {cluster: other, user: u}}
- {name: empty, context: {user: u}}
clusters:
- {name: other, cluster: {server: "https://three.invalid"}}
`

// kubeconfigs writes both files and makes KUBECONFIG name them and one that's missing.
func kubeconfigs(t *testing.T) (dir string) {
	dir = t.TempDir()
	for name, text := range map[string]string{"first": first, "second": second, "ca.crt": "authority"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("KUBECONFIG", strings.Join([]string{dir + "/missing", dir + "/first", dir + "/second"}, ":"))
	return dir
}

func TestFrozen(t *testing.T) {
	dir := kubeconfigs(t)
	private := t.TempDir()
	f := Freeze(Options{Directory: private})
	// What happens later has no effect.
	if err := os.WriteFile(dir+"/first", []byte(strings.Replace(first, "current-context: one", "current-context: two", 1)),
		0o600); err != nil {
		t.Fatal(err)
	}
	c, err := f.Cluster()
	if err != nil {
		t.Fatal(err)
	}
	want := model.Cluster{
		Context: "one", Namespace: "default", Name: "kind-dev", Product: model.ProductKind, Kubeconfig: c.Kubeconfig,
	}
	if *c != want {
		t.Errorf("cluster %+v", *c)
	}
	info, err := os.Stat(c.Kubeconfig)
	if err != nil || info.Mode().Perm() != 0o600 || !strings.HasPrefix(c.Kubeconfig, private) {
		t.Errorf("copy %s: %v, %v", c.Kubeconfig, info, err)
	}
	config, err := clientcmd.LoadFromFile(c.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	user := config.AuthInfos["u"]
	if len(config.Contexts) != 1 || len(config.Clusters) != 1 ||
		string(config.Clusters["kind-dev"].CertificateAuthorityData) != "authority" {
		t.Errorf("copy %+v", config)
	}
	if user.TokenFile != dir+"/token" || user.Exec.Command != dir+"/plugin" {
		t.Errorf("credentials %+v", user)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(private); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestChoice(t *testing.T) {
	dir := kubeconfigs(t)
	for name, c := range map[string]struct {
		options         Options
		want, namespace string
		err             string
	}{
		"context":             {Options{Context: "two"}, "two", "prod", ""},
		"context of a second": {Options{Context: "three"}, "three", "default", ""},
		"namespace":           {Options{Context: "two", Namespace: "mine"}, "two", "mine", ""},
		"file":                {Options{Kubeconfig: dir + "/first"}, "one", "default", ""},
		"unknown context":     {Options{Context: "x"}, "", "", `no context "x"; its contexts are: empty, one, three, two`},
		"missing file":        {Options{Kubeconfig: dir + "/x"}, "", "", "read kubeconfig: open " + dir + "/x"},
		"malformed file":      {Options{Kubeconfig: dir + "/ca.crt"}, "", "", "parse kubeconfig " + dir + "/ca.crt"},
		"missing user":        {Options{Kubeconfig: dir + "/second"}, "", "", "cannot locate user u"},
		"context of nothing":  {Options{Context: "empty"}, "", "", "names no cluster"},
	} {
		c.options.Directory = t.TempDir()
		f := Freeze(c.options)
		got, err := f.Cluster()
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v", name, err)
			}
		case err != nil || got.Context != c.want || got.Namespace != c.namespace:
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Setenv("KUBECONFIG", dir+"/missing")
	f := Freeze(Options{})
	if got, err := f.Cluster(); got != nil || err != nil {
		t.Errorf("without kubeconfig: %+v, %v", got, err)
	}
	if _, err := f.Connection(); err == nil || !strings.Contains(err.Error(), "no Kubernetes cluster is configured") {
		t.Error(err)
	}
}

func TestProduct(t *testing.T) {
	for _, c := range []struct {
		name, authority, kubeconfig string
		want                        model.Product
	}{
		{"minikube", "", "", model.ProductMinikube},
		{"minikube-two", "", "", model.ProductMinikube},
		{"docker-desktop", "", "", model.ProductDockerDesktop},
		{"docker-desktop-not", "", "", model.ProductUnknown},
		{"docker-for-desktop-cluster", "", "", model.ProductDockerDesktop},
		{"gke_project_zone_name", "", "", model.ProductGKE},
		{"arn:aws:eks:us-east-1:1:cluster/x", "", "", model.ProductEKS},
		{"x.us-east-1.eksctl.io", "", "", model.ProductEKS},
		{"kind", "", "", model.ProductKind},
		{"kind-x", "", "", model.ProductKind},
		{"kindly", "", "", model.ProductUnknown},
		{"microk8s-cluster", "", "", model.ProductMicroK8s},
		{"api-crc-testing:6443", "", "", model.ProductCRC},
		{"krucible-x", "", "", model.ProductKrucible},
		{"k3d-x", "", "", model.ProductK3D},
		{"rancher-desktop", "", "", model.ProductRancherDesktop},
		{"colima-x", "", "", model.ProductColima},
		{"orbstack", "", "", model.ProductOrbStack},
		{"mine", "/home/me/.minikube/ca.crt", "", model.ProductMinikube},
		{"mine", "", "/home/me/.kube/k3d-dev.yaml", model.ProductK3D},
		{"mine", "/etc/ca.crt", "/home/me/.kube/config", model.ProductUnknown},
	} {
		if got := detectProduct(c.name, c.authority, c.kubeconfig); got != c.want {
			t.Errorf("%+v: got %q", c, got)
		}
	}
}

func TestUnreachable(t *testing.T) {
	get := func(err error) error { return &url.Error{Op: "Get", URL: "https://x", Err: err} }
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"refused":     {get(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}), true},
		"broken":      {fmt.Errorf("read: %w", get(io.ErrUnexpectedEOF)), true},
		"no answer":   {get(context.DeadlineExceeded), true},
		"starting":    {apierrors.NewServiceUnavailable("starting"), true},
		"canceled":    {get(context.Canceled), false},
		"certificate": {get(x509.UnknownAuthorityError{}), false},
		"plugin":      {get(errors.New("getting credentials: exec: executable x failed")), false},
		"not found":   {apierrors.NewNotFound(schema.GroupResource{Resource: "pods"}, "x"), false},
		"webhook":     {apierrors.NewInternalError(context.DeadlineExceeded), false},
		"none":        {nil, false},
	} {
		if got := Unreachable(c.err); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestRegistries(t *testing.T) {
	registry, err := parseHosting("host: localhost:5000\nhostFromContainerRuntime: registry:5000\nhelp: x\n")
	want := model.Registry{Host: "localhost:5000", HostFromCluster: "registry:5000"}
	if err != nil || *registry != want {
		t.Errorf("%+v, %v", registry, err)
	}
	if registry, err := parseHosting(""); registry != nil || err != nil {
		t.Errorf("%+v, %v", registry, err)
	}
	registry = nodeRegistry(map[string]string{"tilt.dev/registry": "a", "tilt.dev/registry-from-cluster": "b"})
	if *registry != (model.Registry{Host: "a", HostFromCluster: "b"}) {
		t.Errorf("%+v", registry)
	}
	if nodeRegistry(map[string]string{"x": "y"}) != nil {
		t.Error("a registry from nothing")
	}
}

func BenchmarkFreeze(b *testing.B) {
	path := filepath.Join(b.TempDir(), "config")
	if err := os.WriteFile(path, []byte(first), 0o600); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		Freeze(Options{Kubeconfig: path})
	}
}
