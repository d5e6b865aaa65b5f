// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"go.etcd.io/etcd/client/v3/kubernetes"
	testclock "k8s.io/utils/clock/testing"

	"tilt.dev/session/pkg/storage/mvcc"
	"tilt.dev/session/pkg/testing/mvcctest"
)

// subject is a store that restarts from its file, and whose commits fail in each way.
func subject(t testing.TB) mvcctest.Subject {
	clock := testclock.NewFakeClock(time.Now())
	options := mvcc.Options{Clock: clock, HistoryAge: 1 << 60}
	current := open(t, t.TempDir(), options)
	refusals := 0
	return mvcctest.Subject{
		Client: current.client,
		Restart: func() *kubernetes.Client {
			current.close()
			current = open(t, current.dir, options)
			return current.client
		},
		Refuse: func() (func(), bool) {
			refusals++
			failure := refusals % 3
			current.disk.set([]func(*bbolt.Tx) error{full, unsynced, broken}[failure])
			return func() {
				current.disk.set(nil)
				current.recovered(clock)
			}, failure == 1
		},
	}
}

func TestRandomOperations(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			script := make([]byte, 600)
			for i := range script {
				script[i] = byte(random.Uint32())
			}
			mvcctest.Run(t, subject(t), script)
		})
	}
}

func FuzzOperations(f *testing.F) {
	f.Add([]byte{0, 3, 1, 12, 0, 3, 2, 13, 3, 1, 12, 10, 0, 0, 12})
	f.Fuzz(func(t *testing.T, script []byte) {
		mvcctest.Run(t, subject(t), script[:min(len(script), 200)])
	})
}
