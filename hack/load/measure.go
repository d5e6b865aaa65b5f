// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// measurement is what is measured of one storage.
type measurement struct {
	options
	storage, dir string
	out          io.Writer
	server       *server
}

// figure is a value with its unit.
type figure struct {
	value float64
	unit  string
}

// tell prints one line.
func (m *measurement) tell(what string, times int, figures ...figure) {
	fmt.Fprintf(m.out, "BenchmarkLoad/storage=%s/%s %d", m.storage, what, times)
	for _, f := range figures {
		fmt.Fprintf(m.out, " %s %s", strconv.FormatFloat(f.value, 'f', 3, 64), f.unit)
	}
	fmt.Fprintln(m.out)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func megabytes(bytes int64, unit string) figure { return figure{float64(bytes) / (1 << 20), unit} }

// times does something several times by several clients at once, and tells how
// long it took.
func (m *measurement) times(ctx context.Context, what string, n, clients int, do func(ctx context.Context, i int) error) error {
	before, err := m.server.processor()
	if err != nil {
		return err
	}
	took := make([]time.Duration, n)
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var next atomic.Int64
	var running sync.WaitGroup
	for range clients {
		running.Go(func() {
			for i := int(next.Add(1) - 1); i < n && ctx.Err() == nil; i = int(next.Add(1) - 1) {
				began := time.Now()
				if err := do(ctx, i); err != nil {
					fail(fmt.Errorf("%s: %w", what, err))
				}
				took[i] = time.Since(began)
			}
		})
	}
	running.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	after, err := m.server.processor()
	if err != nil {
		return err
	}
	slices.Sort(took)
	m.tell(what, n,
		figure{milliseconds(took[n/2]), "p50-ms"}, figure{milliseconds(took[n*99/100]), "p99-ms"},
		figure{milliseconds(after-before) / float64(n), "server-cpu-ms"})
	return nil
}

// start starts a server and tells how long that took.
func (m *measurement) start(ctx context.Context, what string) (err error) {
	began := time.Now()
	if m.server, err = startServer(ctx, m.bin, m.storage, m.dir); err != nil {
		return err
	}
	ready := time.Since(began)
	used, err := m.server.processor()
	m.tell(what, 1, figure{milliseconds(ready), "ready-ms"}, figure{milliseconds(used), "server-cpu-ms"})
	return err
}

// memory tells what the server has, before and after a garbage collection and
// the time it's given to return what is free.
func (m *measurement) memory(what string) func(context.Context) error {
	return func(ctx context.Context) error {
		before, err := m.server.resident()
		if err != nil {
			return err
		}
		heap, err := m.server.do(ctx, "GET", "/debug/pprof/heap?gc=1&debug=1", "", nil)
		if err != nil {
			return err
		}
		time.Sleep(m.settling)
		after, err := m.server.resident()
		if err != nil {
			return err
		}
		m.tell(what, 1, megabytes(before, "rss-MB"), megabytes(after, "rss-after-gc-MB"), megabytes(statistic(heap, "HeapAlloc"), "heap-MB"))
		return m.keep(ctx, what, "/debug/pprof/heap?gc=1")
	}
}

// statistic is one of those that Go prints below a profile of the heap.
func statistic(heap []byte, name string) int64 {
	_, rest, _ := strings.Cut(string(heap), "\n# "+name+" = ")
	text, _, _ := strings.Cut(rest, "\n")
	value, _ := strconv.ParseInt(text, 10, 64)
	return value
}

// keep keeps a profile, if somebody wants them.
func (m *measurement) keep(ctx context.Context, what, path string) error {
	if m.profiles == "" {
		return nil
	}
	profile, err := m.server.do(ctx, "GET", path, "", nil)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(m.profiles, m.storage+"-"+what+".pprof"), profile, 0o644)
}

// profiled does something while the server's processor time is profiled, if
// somebody wants that.
func (m *measurement) profiled(ctx context.Context, what string, do func() error) error {
	if m.profiles == "" {
		return do()
	}
	profiling := make(chan error, 1)
	go func() { profiling <- m.keep(ctx, what, "/debug/pprof/profile?seconds=5") }()
	err := do()
	if profileErr := <-profiling; err == nil {
		err = profileErr
	}
	return err
}
