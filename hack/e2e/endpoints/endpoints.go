// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package endpoints knows which replicas of a service are ready, by asking each
// again and again, and sends requests to those alone.
package endpoints

import (
	"errors"
	"sync"
	"testing"
	"time"

	"tilt.dev/session/hack/e2e/replica"
)

// period is how often a replica is asked. A cluster takes seconds; what counts is
// that a shutdown delay is longer.
const period = 100 * time.Millisecond

// Endpoints are the replicas of a service. Its methods may be called by several
// goroutines.
type Endpoints struct {
	mu    sync.Mutex
	next  int
	ready []*replica.Replica
	// probes are of all replicas, ready or not. Each is ended by its function, which
	// waits for it.
	probes map[*replica.Replica]func()
}

// New returns a service without replicas. What asks them ends with the test.
func New(t testing.TB) *Endpoints {
	e := &Endpoints{probes: map[*replica.Replica]func(){}}
	t.Cleanup(func() {
		for _, end := range e.probes {
			end()
		}
	})
	return e
}

// Add has a replica be asked from now on.
func (e *Endpoints) Add(r *replica.Replica) {
	stop := make(chan struct{})
	var asking sync.WaitGroup
	asking.Go(func() { e.ask(r, stop) })
	e.mu.Lock()
	defer e.mu.Unlock()
	e.probes[r] = sync.OnceFunc(func() {
		close(stop)
		asking.Wait()
	})
}

// Remove forgets a replica, which may have ended.
func (e *Endpoints) Remove(r *replica.Replica) {
	e.mu.Lock()
	end := e.probes[r]
	delete(e.probes, r)
	e.mu.Unlock()
	end()
	e.set(r, false)
}

// Address is of one that's ready: each is chosen in turn.
func (e *Endpoints) Address() (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.ready) == 0 {
		return "", errors.New("no replica is ready")
	}
	e.next = (e.next + 1) % len(e.ready)
	return e.ready[e.next].Address(), nil
}

// Ready is how many are.
func (e *Endpoints) Ready() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.ready)
}

func (e *Endpoints) ask(r *replica.Replica, stop <-chan struct{}) {
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		e.set(r, r.Ready() == nil)
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
	}
}

func (e *Endpoints) set(r *replica.Replica, ready bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []*replica.Replica
	for _, known := range e.ready {
		if known != r {
			all = append(all, known)
		}
	}
	if ready {
		all = append(all, r)
	}
	e.ready = all
}
