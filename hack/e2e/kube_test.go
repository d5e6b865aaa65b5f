// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build kube

package e2e_test

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset"

	"tilt.dev/session/hack/e2e/endpoints"
	"tilt.dev/session/hack/e2e/etcd"
	"tilt.dev/session/hack/e2e/kubeapiserver"
	"tilt.dev/session/hack/e2e/kubeconfig"
	"tilt.dev/session/hack/e2e/manifests"
	"tilt.dev/session/hack/e2e/pki"
	"tilt.dev/session/hack/e2e/vip"
)

var kubeAPIServer = flag.String("kube-apiserver", "", "path of the program")

// TestKube has a kube-apiserver in front, with what is shipped applied to it.
func TestKube(t *testing.T) {
	c := newKubeCluster(t)
	for _, story := range []struct {
		name string
		test func(*testing.T, *cluster)
	}{
		{"discovery", testDiscovery},
		{"users", testUsers},
		{"can-i", testCanI},
		{"spoofing", testSpoofing},
		{"conformance", testConformance},
		{"page", testPage},
		{"rollout", testRollout},
		{"renewal", testRenewal},
		{"outage", testOutage},
	} {
		t.Run(story.name, func(t *testing.T) { story.test(t, c) })
	}
}

// newKubeCluster returns when two replicas are ready that were told of nothing but
// their service account: whom they know, their certificate and who trusts it is
// kept by the kube-apiserver.
func newKubeCluster(t *testing.T) *cluster {
	c := &cluster{
		t: t, store: etcd.Start(t, etcd.Config{}), directory: t.TempDir(), service: endpoints.New(t),
		users: pki.NewAuthority(t, "users"), proxies: pki.NewAuthority(t, "proxies"),
	}
	kube := kubeapiserver.Start(t, kubeapiserver.Config{
		Program: *kubeAPIServer, Storage: etcd.Start(t, etcd.Config{}).Endpoints(),
		Users: c.users, Proxies: c.proxies, ProxyName: proxyName,
	})
	c.front, c.admin = kube, kube.User("admin", "system:masters")
	k := kubectl{kubeconfig: kubeconfig.Write(t, c.admin), home: t.TempDir()}
	for _, name := range []string{"namespace", "serviceaccount", "delegation", "certificates", "clusterroles"} {
		k.run(t, "", "apply -f "+manifests.Path(name+".yaml"))
	}
	for _, role := range []string{"view", "edit", "admin"} {
		group := map[string]string{"view": "viewers", "edit": "editors", "admin": "admins"}[role]
		k.run(t, "", fmt.Sprintf("create clusterrolebinding %s --clusterrole=tilt-session-%s --group=%s", group, role, group))
	}
	token := strings.TrimSpace(k.run(t, "", "create token tilt-session -n "+namespace))
	account := kubeconfig.Write(t, kube.Bearer(token))
	c.flags = []string{
		"--authentication-kubeconfig=" + account, "--authorization-kubeconfig=" + account,
		"--tls-secret=" + namespace + "/tilt-session-serving", "--tls-service=" + namespace + "/" + service,
		"--housekeeping=false", // It writes to Sessions without a claim.
	}
	c.expose(t, k)
	c.startReplicas(2)
	c.trust = c.awaitTrust()
	c.awaitDiscovery()
	return c
}

// expose has the kube-apiserver send requests to whatever replica is ready.
func (c *cluster) expose(t *testing.T, k kubectl) {
	t.Helper()
	address := vip.Start(c.t, c.service.Address)
	k.run(t, "", fmt.Sprintf("create service externalname %s -n %s --external-name=localhost --tcp=%d", service, namespace, address.Port()))
	shipped := manifests.APIService(c.t)
	port := address.Port()
	shipped.Spec.Service.Port = &port
	if _, err := c.apiServices().ApiregistrationV1().APIServices().Create(c.t.Context(), shipped, metav1.CreateOptions{}); err != nil {
		c.t.Fatal(err)
	}
}

// awaitTrust returns the authority that the replicas publish, once kube-apiserver
// finds them by it.
func (c *cluster) awaitTrust() []byte {
	c.t.Helper()
	services := c.apiServices().ApiregistrationV1().APIServices()
	var trust []byte
	c.eventually("the APIService is available", func(ctx context.Context) bool {
		found, err := services.Get(ctx, apiServiceName, metav1.GetOptions{})
		if err != nil {
			return false
		}
		trust = found.Spec.CABundle
		for _, condition := range found.Status.Conditions {
			if condition.Type == apiregistrationv1.Available && condition.Status == apiregistrationv1.ConditionTrue {
				return true
			}
		}
		return false
	})
	return trust
}

func (c *cluster) apiServices() *clientset.Clientset {
	c.t.Helper()
	set, err := clientset.NewForConfigAndClient(c.admin, httpClient(c.t, c.admin))
	if err != nil {
		c.t.Fatal(err)
	}
	return set
}

// testCanI: users can ask what they may do.
func testCanI(t *testing.T, c *cluster) {
	for _, test := range []struct {
		user, group, question string
		want                  bool
	}{
		{"vera", "viewers", "list sessions.tilt.dev", true},
		{"vera", "viewers", "watch sessions.tilt.dev", true},
		{"vera", "viewers", "get sessions.tilt.dev --subresource=log", true},
		{"vera", "viewers", "create sessions.tilt.dev", false},
		{"ed", "editors", "create sessions.tilt.dev", true},
		{"ed", "editors", "create sessions.tilt.dev --subresource=trigger", true},
		{"ed", "editors", "patch sessions.tilt.dev --subresource=status", false},
		{"ada", "admins", "patch sessions.tilt.dev --subresource=status", true},
		{"otto", "others", "get sessions.tilt.dev", false},
	} {
		k := kubectl{kubeconfig: kubeconfig.Write(t, c.front.User(test.user, test.group)), home: t.TempDir()}
		output, err := k.try(t, "", "auth can-i "+test.question)
		// A warning may come before the answer.
		if yes := strings.HasSuffix(output, "yes\n"); yes != test.want || (err == nil) != test.want {
			t.Errorf("%s: %s is answered %q, %v", test.user, test.question, output, err)
		}
	}
}
