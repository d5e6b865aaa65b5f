// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"errors"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	testclock "k8s.io/utils/clock/testing"

	"tilt.dev/session/pkg/testing/mvcctest"
)

func grant(t *testing.T, client *clientv3.Client, seconds int64) clientv3.LeaseID {
	t.Helper()
	response, err := client.Grant(t.Context(), seconds)
	if err != nil {
		t.Fatal(err)
	}
	if response.TTL != max(seconds, 1) {
		t.Errorf("granted %d seconds, want %d", response.TTL, seconds)
	}
	return response.ID
}

func exists(t *testing.T, client *clientv3.Client, key string) bool {
	t.Helper()
	response, err := client.Get(t.Context(), key, clientv3.WithCountOnly())
	if err != nil {
		t.Fatal(err)
	}
	return response.Count > 0
}

func TestLeaseTakesItsKeysWithIt(t *testing.T) {
	clock := testclock.NewFakeClock(time.Now())
	_, client := newStore(t, Options{Clock: clock})
	short, long := grant(t, client.Client, 10), grant(t, client.Client, 20)
	put(t, client, "short/1", "", clientv3.WithLease(short))
	put(t, client, "short/2", "", clientv3.WithLease(short))
	put(t, client, "long", "", clientv3.WithLease(long))
	put(t, client, "moved", "", clientv3.WithLease(short))
	put(t, client, "moved", "", clientv3.WithLease(long))
	put(t, client, "freed", "", clientv3.WithLease(short))
	rev := put(t, client, "freed", "")

	watch := client.Watch(t.Context(), "", clientv3.WithPrefix())
	clock.Step(10*time.Second - time.Nanosecond)
	put(t, client, "early", "")
	if got := mvcctest.EventTexts(next(t, watch).Events); len(got) != 1 || got[0] != mvcctest.EventText(rev+1, "PUT", "early", "", "") {
		t.Errorf("before the deadline: %v", got)
	}
	clock.Step(time.Nanosecond)
	response := next(t, watch)
	if got := mvcctest.EventTexts(response.Events); len(got) != 2 || response.Events[1].Kv.ModRevision != rev+2 {
		t.Errorf("at the deadline: %v", got)
	}
	for key, want := range map[string]bool{"short/1": false, "short/2": false, "long": true, "moved": true, "freed": true} {
		if got := exists(t, client.Client, key); got != want {
			t.Errorf("%s exists: %t, want %t", key, got, want)
		}
	}
	clock.Step(10 * time.Second)
	if got := mvcctest.EventTexts(next(t, watch).Events); len(got) != 2 {
		t.Errorf("at the second deadline: %v", got)
	}
}

func TestEndedLeaseTakesNoKeys(t *testing.T) {
	clock := testclock.NewFakeClock(time.Now())
	store, client := newStore(t, Options{Clock: clock})
	lease := grant(t, client.Client, 0)
	clock.Step(time.Second)
	eventually(t, "the lease ends", func() bool {
		_, err := client.Put(t.Context(), "a", "", clientv3.WithLease(lease))
		return errors.Is(err, rpctypes.ErrLeaseNotFound)
	})
	if again := grant(t, client.Client, 5); again == lease {
		t.Error("the ID of a lease was used again")
	}
	if rev := store.state.Load().rev; rev > 3 {
		t.Errorf("leases without keys are at revision %d", rev)
	}
}

func TestLeaseTooLong(t *testing.T) {
	_, client := newStore(t, Options{})
	if _, err := client.Grant(t.Context(), maxTTL+1); !errors.Is(err, rpctypes.ErrLeaseTTLTooLarge) {
		t.Errorf("got %v", err)
	}
}
