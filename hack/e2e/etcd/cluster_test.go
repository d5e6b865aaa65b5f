// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package etcd_test

import (
	"context"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/goleak"

	"tilt.dev/session/hack/e2e/etcd"
	"tilt.dev/session/hack/e2e/pki"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// put stores a value, and does so again while the leader or the connection is lost
// with a member: a client doesn't send twice by itself what may have been stored.
func put(t *testing.T, client *clientv3.Client, key, value string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		_, err := client.Put(ctx, key, value)
		cancel()
		switch {
		case err == nil:
			return
		case time.Now().After(deadline):
			t.Fatalf("put: %v", err)
		}
	}
}

// want asks until there's an answer: a member that's frozen gives none.
func want(t *testing.T, client *clientv3.Client, key, value string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		got, err := client.Get(ctx, key)
		cancel()
		switch {
		case err != nil && time.Now().After(deadline):
			t.Fatal(err)
		case err != nil:
		case len(got.Kvs) != 1 || string(got.Kvs[0].Value) != value:
			t.Fatalf("get = %v instead of %q", got.Kvs, value)
		default:
			return
		}
	}
}

func TestDataSurvives(t *testing.T) {
	t.Parallel()
	cluster := etcd.Start(t, etcd.Config{})
	client := cluster.Client()
	defer func() { _ = client.Close() }()
	put(t, client, "a", "1")
	cluster.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := client.Get(ctx, "a"); err == nil {
		t.Error("it answers, stopped")
	}
	cluster.Start()
	want(t, client, "a", "1")
	cluster.Members[0].Kill()
	cluster.Start()
	want(t, client, "a", "1")
}

func TestMemberIsLost(t *testing.T) {
	t.Parallel()
	authority := pki.NewAuthority(t, "etcd")
	cluster := etcd.Start(t, etcd.Config{Members: 3, TLS: &etcd.TLS{
		CAFile: authority.Write(t.TempDir(), "ca"),
		Server: authority.Server("localhost").Write(t.TempDir(), "server"),
		Client: authority.Client("client").Write(t.TempDir(), "client"),
	}})
	client := cluster.Client()
	defer func() { _ = client.Close() }()
	put(t, client, "a", "1")
	cluster.Members[0].Kill()
	put(t, client, "a", "2")
	cluster.Members[0].Start()
	cluster.Members[1].Freeze()
	cluster.Await()
	want(t, client, "a", "2")
	cluster.Members[1].Thaw()
}
