// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"tilt.dev/session/hack/e2e/etcd"
	"tilt.dev/session/pkg/storage"
)

// TestEtcdIsFull fills etcd through another client. Reads and deletions continue, and writes do once there is space.
func TestEtcdIsFull(t *testing.T) {
	t.Parallel()
	cluster := etcd.Start(t, etcd.Config{Quota: 4 << 20})
	server := startOver(t, cluster)
	server.awaitReady()
	server.create("kept")
	server.create("dropped")
	client := cluster.Client()
	defer func() { _ = client.Close() }()
	fill(t, client)

	if err := server.tryCreate("refused"); apierrors.ReasonForError(err) != storage.ReasonInsufficientStorage || !strings.Contains(err.Error(), "disarm the alarm") {
		t.Errorf("create: %v", err)
	}
	if err := errors.Join(server.get("kept"), server.list(""), server.delete("dropped")); err != nil {
		t.Errorf("reading and deleting: %v", err)
	}
	server.wantHealth("readyz", http.StatusOK, "[+]etcd ok")

	empty(t, client)
	server.create("taken")
}

const filling = "/filling/"

// fill writes until etcd has no space.
func fill(t *testing.T, client *clientv3.Client) {
	t.Helper()
	value := strings.Repeat("x", 256<<10)
	for i := range 100 {
		_, err := client.Put(t.Context(), fmt.Sprint(filling, i), value)
		if errors.Is(err, rpctypes.ErrNoSpace) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("etcd did not run out of space")
}

// empty deletes, compacts, defragments and disarms the alarm, as an operator does.
func empty(t *testing.T, client *clientv3.Client) {
	t.Helper()
	dropped, err := client.Delete(t.Context(), filling, clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Compact(t.Context(), dropped.Header.Revision, clientv3.WithCompactPhysical()); err != nil {
		t.Fatal(err)
	}
	for _, member := range client.Endpoints() {
		if _, err := client.Defragment(t.Context(), member); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.AlarmDisarm(t.Context(), &clientv3.AlarmMember{}); err != nil {
		t.Fatal(err)
	}
}
