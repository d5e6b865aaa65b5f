// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"tilt.dev/session/hack/e2e/pki"
)

// patience is how long a cluster may take to do what it's told.
const patience = time.Minute

// Config says what cluster is started. The zero value is one member without TLS.
type Config struct {
	// Members is how many there are, one if it's 0.
	Members int
	// TLS, if set, has clients come with a certificate.
	TLS *TLS
	// Quota is how many bytes a member may store before the cluster takes no more
	// writes, etcd's own default if it's 0.
	Quota int64
}

// TLS has etcd and its clients prove who they are, with certificates of one
// authority.
type TLS struct {
	// CAFile is the authority of all.
	CAFile string
	// Server is what a member shows, for 127.0.0.1; Client what clients do.
	Server, Client pki.Files
}

// Cluster is etcd, and ends with the test that started it.
type Cluster struct {
	// Members are its processes.
	Members []*Member

	t   testing.TB
	tls *TLS
}

// Start starts a cluster and waits until it answers.
func Start(t testing.TB, config Config) *Cluster {
	t.Helper()
	program := build(t)
	c := &Cluster{t: t, tls: config.TLS}
	var peers []string
	for i := range max(config.Members, 1) {
		m := newMember(t, program, fmt.Sprintf("m%d", i), config)
		c.Members = append(c.Members, m)
		peers = append(peers, m.name+"="+m.peerURL)
	}
	for _, m := range c.Members {
		m.initialCluster = strings.Join(peers, ",")
		m.launch()
	}
	c.Await()
	return c
}

// Endpoints are the addresses of all members, as --etcd-servers takes them.
func (c *Cluster) Endpoints() []string {
	var all []string
	for _, m := range c.Members {
		all = append(all, m.Endpoint())
	}
	return all
}

// Stop ends every member, as a system that's shut down does. Data stays.
func (c *Cluster) Stop() {
	c.t.Helper()
	for _, m := range c.Members {
		m.Stop()
	}
}

// Start starts every member again, with the data and at the addresses that it had,
// and waits until the cluster answers.
func (c *Cluster) Start() {
	c.t.Helper()
	for _, m := range c.Members {
		m.launch()
	}
	c.Await()
}

// Await returns when the cluster has a leader and answers a consistent read.
func (c *Cluster) Await() {
	c.t.Helper()
	client := c.Client()
	defer func() { _ = client.Close() }()
	deadline := time.Now().Add(patience)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		_, err := client.Get(ctx, "health")
		cancel()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("etcd doesn't answer: %v", err)
		}
	}
}

// Client returns a new client of all members. The caller closes it.
func (c *Cluster) Client() *clientv3.Client {
	c.t.Helper()
	config := clientv3.Config{Endpoints: c.Endpoints(), Logger: zap.NewNop()}
	if c.tls != nil {
		config.TLS = c.tls.client(c.t)
	}
	client, err := clientv3.New(config)
	if err != nil {
		c.t.Fatalf("client of etcd: %v", err)
	}
	return client
}

func (o *TLS) client(t testing.TB) *tls.Config {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(o.Client.Cert, o.Client.Key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, RootCAs: pki.ReadPool(t, o.CAFile)}
}
