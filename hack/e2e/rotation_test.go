// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"testing"

	"k8s.io/client-go/rest"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"tilt.dev/session/hack/e2e/etcd"
	"tilt.dev/session/hack/e2e/load"
	"tilt.dev/session/hack/e2e/pki"
)

// Every certificate between aggregator and replicas is replaced, and who has signed
// them, while users write and watch: no request of theirs fails, and no change is
// missed.
func TestRotation(t *testing.T) {
	c := newCluster(t, 2, etcd.Start(t, etcd.Config{}))
	sessions := c.sessions(c.front.User("ed", "editors"))
	watcher := load.StartWatcher(t, sessions, "rotation")
	writers := load.StartWriters(t, sessions, "rotation", 4)
	writers.GoOn(20)
	for name, rotate := range map[string]func(*testing.T, *load.Writers){
		"servers": c.rotateServers,
		"proxies": c.rotateProxies,
	} {
		t.Run(name, func(t *testing.T) { rotate(t, writers) })
		writers.GoOn(50)
	}
	endLoad(t, writers, watcher)
}

// rotateServers has the replicas show certificates of another authority, which is
// trusted before that, and alone after it.
func (c *cluster) rotateServers(t *testing.T, writers *load.Writers) {
	before, after := c.servers, pki.NewAuthority(t, "servers")
	trust := func(authorities ...*pki.Authority) {
		c.aggregator.Change(apiServiceName, func(spec *apiregistrationv1.APIServiceSpec) { spec.CABundle = pki.Bundle(authorities...) })
		writers.GoOn(20)
	}
	trust(before, after)
	after.Server(serverName).Write(c.directory, "serving")
	c.servers, c.trust = after, after.PEM()
	for _, r := range c.replicas {
		c.eventually("a replica shows the new certificate", func(context.Context) bool { return shows(t, c.direct(r, nil)) })
	}
	trust(after)
}

// rotateProxies has the aggregator show a certificate of another authority, which is
// trusted before that, and alone after it.
func (c *cluster) rotateProxies(t *testing.T, writers *load.Writers) {
	before, after := c.proxies, pki.NewAuthority(t, "proxies")
	old, young := before.Client(proxyName), after.Client(proxyName)
	mirror := c.aggregator.StartMirror()
	trusted := func(what string, pair pki.Pair, code int) {
		for _, r := range c.replicas {
			c.eventually(what, func(context.Context) bool {
				got, _ := ask(t, c.direct(r, &pair), http.MethodGet, sessionsPath, master)
				return got == code
			})
		}
		writers.GoOn(20)
	}
	pki.WriteBundle(t, c.directory, "proxies", before, after)
	trusted("both authorities are trusted", young, http.StatusOK)
	young.Write(c.directory, "proxy-client")
	mirror.Await(young)
	// What is changed from here on is done with the new certificate.
	c.aggregator.Change(apiServiceName, func(*apiregistrationv1.APIServiceSpec) {})
	after.Write(c.directory, "proxies")
	trusted("the old authority isn't trusted any more", old, http.StatusUnauthorized)
	c.proxies = after
}

// shows tells if a server has a certificate that config trusts.
func shows(t *testing.T, config *rest.Config) bool {
	t.Helper()
	settings, err := rest.TLSConfigFor(config)
	if err != nil {
		t.Fatal(err)
	}
	connection, err := tls.Dial("tcp", config.Host[len("https://"):], settings)
	if err != nil {
		return false
	}
	return connection.Close() == nil
}
