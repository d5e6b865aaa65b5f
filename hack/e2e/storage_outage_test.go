// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"

	"tilt.dev/session/hack/e2e/etcd"
	"tilt.dev/session/hack/e2e/pki"
	"tilt.dev/session/pkg/storage"
)

// TestEtcdIsAwayForAWhile stops etcd under two servers with a watch open at one of
// them, and starts it again.
func TestEtcdIsAwayForAWhile(t *testing.T) {
	t.Parallel()
	cluster := etcd.Start(t, etcd.Config{})
	here, there := startOver(t, cluster), startOver(t, cluster)
	here.awaitReady()
	there.awaitReady()
	first := there.create("away")
	watched, err := here.sessions.Watch(t.Context(), metav1.ListOptions{ResourceVersion: first.ResourceVersion})
	if err != nil {
		t.Fatal(err)
	}
	defer watched.Stop()
	seen := make(chan []string, 1)
	const last = "20"
	go func() { seen <- marks(watched, last) }()
	for mark := range 10 {
		there.mark("away", mark)
	}

	cluster.Stop()
	here.wantHealth("livez", http.StatusOK, "")
	here.wantHealth("readyz", http.StatusInternalServerError, "[-]etcd failed", "[-]etcd-readiness failed", "[+]watch-cache ok")
	began := time.Now()
	for name, err := range map[string]error{
		"get": here.get("away"), "list": here.list(""), "create": here.tryCreate("other"), "delete": here.delete("away"),
	} {
		if !apierrors.IsServiceUnavailable(err) || !strings.Contains(err.Error(), "etcd") {
			t.Errorf("%s without etcd: %v", name, err)
		}
	}
	if took := time.Since(began); took > 40*time.Second {
		t.Errorf("it took %v to refuse four requests", took)
	}
	if err := here.list("0"); err != nil {
		t.Errorf("what's in the cache can't be listed: %v", err)
	}

	cluster.Start()
	here.awaitReady()
	there.awaitReady()
	for mark := 10; mark <= 20; mark++ {
		there.mark("away", mark)
	}
	select {
	case got := <-seen:
		if want := "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20"; strings.Join(got, " ") != want {
			t.Errorf("the watch has seen %s", got)
		}
	case <-time.After(patienceWithEtcd):
		t.Error("the watch hasn't seen the last change")
	}
}

// TestEtcdIsMeasured finds the metrics by which the storage of an API server is
// watched over.
func TestEtcdIsMeasured(t *testing.T) {
	t.Parallel()
	server := startOver(t, etcd.Start(t, etcd.Config{}))
	server.awaitReady()
	server.create("measured")
	server.wantHealth("metrics", http.StatusOK,
		`etcd_request_duration_seconds_count{group="tilt.dev",operation="create",resource="sessions"}`,
		`apiserver_storage_size_bytes{storage_cluster_id="etcd-0"}`,
		`etcd_requests_total{group="tilt.dev",operation="create",resource="sessions"}`)
}

// marks collects the marks that a watch sees until the last one, or its end.
func marks(watched watch.Interface, last string) (seen []string) {
	for event := range watched.ResultChan() {
		accessor, ok := event.Object.(metav1.Object)
		if !ok {
			return append(seen, string(event.Type))
		}
		mark := accessor.GetLabels()["mark"]
		if seen = append(seen, mark); mark == last {
			return seen
		}
	}
	return append(seen, "end")
}

// TestEtcdComesLater starts a server before etcd.
func TestEtcdComesLater(t *testing.T) {
	t.Parallel()
	cluster := etcd.Start(t, etcd.Config{})
	cluster.Stop()
	server := startOver(t, cluster)
	server.wantHealth("livez", http.StatusOK, "")
	server.wantHealth("readyz", http.StatusInternalServerError, "[-]etcd failed", "[-]watch-cache failed")
	if err := server.get("later"); !apierrors.IsServiceUnavailable(err) || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("get without etcd: %v", err)
	}
	cluster.Start()
	began := time.Now()
	server.awaitReady()
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v to find etcd", took)
	}
	server.create("later")
}

// TestServerEndsWithoutEtcd stops a server while etcd stands still, and then while
// there's none.
func TestServerEndsWithoutEtcd(t *testing.T) {
	t.Parallel()
	cluster := etcd.Start(t, etcd.Config{})
	frozen, stopped := startOver(t, cluster), startOver(t, cluster)
	frozen.awaitReady()
	stopped.awaitReady()
	cluster.Members[0].Freeze()
	frozen.ends()
	cluster.Members[0].Thaw()
	cluster.Stop()
	stopped.ends()
}

// TestWatchMovesToAnotherServer continues a watch at a server that started later.
// That server ends the watch once its cache can continue it, which clients do.
func TestWatchMovesToAnotherServer(t *testing.T) {
	t.Parallel()
	cluster := etcd.Start(t, etcd.Config{})
	old := startOver(t, cluster)
	old.awaitReady()
	first := old.create("moving")
	for mark := range 5 {
		old.mark("moving", mark)
	}
	fresh := startOver(t, cluster)
	fresh.awaitReady()
	old.mark("moving", 5)
	ctx, cancel := context.WithTimeout(t.Context(), patienceWithEtcd)
	defer cancel()
	watched, err := watchtools.NewRetryWatcherWithContext(ctx, first.ResourceVersion, &cache.ListWatch{WatchFuncWithContext: fresh.sessions.Watch})
	if err != nil {
		t.Fatal(err)
	}
	defer watched.Stop()
	if got := strings.Join(marks(watched, "5"), " "); got != "0 1 2 3 4 5" {
		t.Errorf("the watch has seen %s", got)
	}
}

// TestWritesAreSeenEverywhere reads at one server what another has just written.
func TestWritesAreSeenEverywhere(t *testing.T) {
	t.Parallel()
	cluster := etcd.Start(t, etcd.Config{})
	here, there := startOver(t, cluster), startOver(t, cluster)
	here.awaitReady()
	there.awaitReady()
	here.create("seen")
	for mark := range 50 {
		want := here.mark("seen", mark)
		list, err := there.sessions.List(t.Context(), metav1.ListOptions{})
		if err != nil || len(list.Items) != 1 || list.Items[0].ResourceVersion != want.ResourceVersion {
			t.Fatalf("after change %d the other server lists %v, %v", mark, list, err)
		}
		got, err := there.sessions.Get(t.Context(), "seen", metav1.GetOptions{})
		if err != nil || got.ResourceVersion != want.ResourceVersion {
			t.Fatalf("after change %d the other server has %v, %v", mark, got, err)
		}
		here, there = there, here
	}
	stale := there.mark("seen", 50)
	here.mark("seen", 51)
	if _, err := there.sessions.Update(t.Context(), stale, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
		t.Errorf("an update of what another server has changed: %v", err)
	}
}

// TestEtcdLosesAMember kills the members of a cluster one after the other. A client with certificates is served all
// the time.
func TestEtcdLosesAMember(t *testing.T) {
	t.Parallel()
	authority, directory := pki.NewAuthority(t, "etcd"), t.TempDir()
	secured := &etcd.TLS{
		CAFile: authority.Write(directory, "ca"),
		Server: authority.Server("localhost").Write(directory, "server"),
		Client: authority.Client("root").Write(directory, "client"),
	}
	cluster := etcd.Start(t, etcd.Config{Members: 3, TLS: secured})
	server := startOver(t, cluster, func(o *storage.EtcdOptions) {
		o.CAFile, o.CertFile, o.KeyFile = secured.CAFile, secured.Client.Cert, secured.Client.Key
	})
	stranger := startOver(t, cluster, func(o *storage.EtcdOptions) { o.CAFile = secured.CAFile })
	server.awaitReady()
	server.create("kept")
	for i, member := range cluster.Members {
		member.Freeze()
		server.survives("kept", 10*i)
		member.Thaw()
		server.survives("kept", 10*i+1)
		member.Kill()
		server.survives("kept", 10*i+2)
		member.Start()
		server.survives("kept", 10*i+3)
		cluster.Await()
	}
	stranger.wantHealth("readyz", http.StatusInternalServerError, "[-]etcd failed")
	if err := stranger.get("kept"); !apierrors.IsServiceUnavailable(err) {
		t.Errorf("without a certificate: %v", err)
	}
}
