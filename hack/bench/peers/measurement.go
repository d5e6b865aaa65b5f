// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tilt.dev/session/hack/bench/result"
)

// measurement is that of one server with a number of Sessions.
type measurement struct {
	*server
	log       *result.Log
	sessions  int
	templates templates
	// clients are kept for the next work, so that it doesn't begin with connecting.
	clients []*client
	writes  atomic.Int64
}

// close closes the connections.
func (m *measurement) close() {
	for _, c := range m.clients {
		c.close()
	}
	m.clients = nil
}

// client returns the client of that number.
func (m *measurement) client(number int) (*client, error) {
	for len(m.clients) <= number {
		c, err := newClient(m.config)
		if err != nil {
			return nil, err
		}
		m.clients = append(m.clients, c)
	}
	return m.clients[number], nil
}

// nextPID returns a process ID that no other write has sent.
func (m *measurement) nextPID() int { return firstPID + int(m.writes.Add(1)) }

func (m *measurement) key(work string, parameters ...string) result.Key {
	return result.NewKey(work, append([]string{fmt.Sprintf("sessions=%d", m.sessions)}, parameters...)...)
}

func (m *measurement) add(key result.Key, n int, values ...result.Value) error {
	return m.log.Add(result.Result{Key: key, Contender: m.name, N: n, Values: values})
}

// worker is one of the clients that work at a time.
type worker struct {
	*client
	// sessions are the worker's own, so that workers cause no conflicts.
	sessions []string
	// turn counts its operations.
	turn int
	// versions are the resourceVersions that the worker has seen.
	versions map[string]string
}

// session returns the Session of the current turn.
func (w *worker) session() string { return w.sessions[w.turn%len(w.sessions)] }

// newWorkers returns n workers and divides the Sessions among them.
func (m *measurement) newWorkers(n int) ([]*worker, error) {
	var all []*worker
	for i := range n {
		c, err := m.client(i)
		if err != nil {
			return nil, err
		}
		w := &worker{client: c, versions: map[string]string{}}
		for j := i; j < m.sessions; j += n {
			w.sessions = append(w.sessions, sessionName(j))
		}
		all = append(all, w)
	}
	return all, nil
}

// operation is one unit of a worker's work. It returns errDone, having done
// nothing, when nothing is left.
type operation func(ctx context.Context, w *worker) error

var errDone = errors.New("nothing is left to do")

// repeat has each worker repeat an operation until the time is over, but at
// least once, and returns how long each took, in any order. A limit of 0 is none.
func repeat(ctx context.Context, workers []*worker, limit time.Duration, do operation) ([]time.Duration, error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	took := make([][]time.Duration, len(workers))
	began := time.Now()
	var running sync.WaitGroup
	for i, w := range workers {
		running.Go(func() {
			for now := began; limit == 0 || len(took[i]) == 0 || now.Sub(began) < limit; {
				err := do(ctx, w)
				if errors.Is(err, errDone) {
					return
				}
				if err != nil {
					fail(err)
					return
				}
				end := time.Now()
				took[i] = append(took[i], end.Sub(now))
				now = end
				w.turn++
			}
		})
	}
	running.Wait()
	return slices.Concat(took...), context.Cause(ctx)
}

// times repeats an operation and logs how long it took.
func (m *measurement) times(ctx context.Context, key result.Key, workers []*worker,
	limit time.Duration, do operation) error {
	before, err := m.cpu()
	if err != nil {
		return err
	}
	began := time.Now()
	took, err := repeat(ctx, workers, limit, do)
	elapsed := time.Since(began)
	if err != nil {
		return fmt.Errorf("%v: %w", key, err)
	}
	after, err := m.cpu()
	if err != nil {
		return err
	}
	slices.Sort(took)
	n := len(took)
	return m.add(key, n,
		result.Value{Number: float64(elapsed) / float64(n), Unit: result.Nanoseconds},
		result.Value{Number: float64(took[n/2]), Unit: "p50-ns"},
		result.Value{Number: float64(took[n*99/100]), Unit: "p99-ns"},
		result.Value{Number: float64(after-before) / float64(n), Unit: result.CPU})
}

// measure lets a worker try an operation, then measures it with each number of
// workers. If the contender is known to refuse such work, its answer is logged
// in place of a measurement.
func (m *measurement) measure(ctx context.Context, work string, do operation) error {
	for i, n := range m.options.workers {
		workers, err := m.newWorkers(n)
		if err != nil {
			return err
		}
		if i == 0 {
			if err := do(ctx, workers[0]); err != nil {
				return m.absent(ctx, work, err)
			}
			if err := m.addSize(work, workers[0].buffer.Len()); err != nil {
				return err
			}
		}
		key := m.key(work, fmt.Sprintf("workers=%d", n))
		err = m.profile(ctx, key, func() error { return m.times(ctx, key, workers, m.options.duration, do) })
		if err != nil {
			return err
		}
	}
	return nil
}

// addSize logs how large the answers to GET and LIST are, so that it shows
// whether the contenders answer as much.
func (m *measurement) addSize(work string, size int) error {
	if work != workGet && work != workList {
		return nil
	}
	return m.add(m.key(workAnswerSize, "of="+work), 1, result.Value{Number: float64(size), Unit: result.Bytes})
}

// absent logs why the contender can't do some work, or returns the reason if
// the contender isn't known to lack it.
func (m *measurement) absent(ctx context.Context, work string, reason error) error {
	if ctx.Err() == nil && slices.Contains(m.mayLack, work) {
		return m.log.AddAbsence(work, m.name, reason.Error())
	}
	return fmt.Errorf("%s: %w", work, reason)
}
