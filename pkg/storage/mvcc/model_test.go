// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package mvcc

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"go.etcd.io/etcd/client/v3/kubernetes"
	testclock "k8s.io/utils/clock/testing"

	"tilt.dev/session/pkg/testing/mvcctest"
)

// logged is a store with a log, to be restarted and refused.
func logged(t testing.TB) mvcctest.Subject {
	log := newMemoryLog()
	clock := testclock.NewFakeClock(time.Now())
	options := Options{Log: log, Clock: clock, HistoryAge: 1 << 60}
	store, client := newStore(t, options)
	refusals := 0
	return mvcctest.Subject{
		Client: client,
		Restart: func() *kubernetes.Client {
			store.Close()
			options.Restore = log.snapshot()
			store, client = newStore(t, options)
			return client
		},
		Refuse: func() (func(), bool) {
			refusals++
			held := refusals%2 == 0
			log.fail(errors.New("disk full"), held)
			return func() {
				log.fail(nil, false)
				eventually(t, "the store is writable", func() bool {
					clock.Step(retryInterval)
					return store.Err() == nil
				})
			}, held
		},
	}
}

func TestRandomOperations(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 0))
		script := make([]byte, 600)
		for i := range script {
			script[i] = byte(random.Uint32())
		}
		t.Run(fmt.Sprint("memory/seed=", seed), func(t *testing.T) {
			store, _ := newStore(t, Options{})
			mvcctest.Run(t, mvcctest.Subject{Client: store.Client(context.Background())}, script)
		})
		t.Run(fmt.Sprint("log/seed=", seed), func(t *testing.T) { mvcctest.Run(t, logged(t), script) })
	}
}

func FuzzOperations(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 1, 1, 2, 0, 10, 0, 3, 11, 4, 2})
	f.Add([]byte{0, 3, 1, 6, 3, 4, 2, 3, 2, 8, 5, 2, 1})
	f.Add([]byte{0, 3, 1, 12, 0, 3, 2, 13, 3, 1, 12, 10, 0, 0, 12})
	f.Fuzz(func(t *testing.T, script []byte) {
		mvcctest.Run(t, logged(t), script[:min(len(script), 300)])
	})
}
