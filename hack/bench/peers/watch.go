// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// events reads a watch, one line for each event.
func events(stream io.Reader) *bufio.Scanner {
	lines := bufio.NewScanner(stream)
	lines.Buffer(make([]byte, 0, 16<<10), 16<<20)
	return lines
}

const watchListPath = sessionsPath +
	"?watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"

// watchList opens a watch and reads it until it has all Sessions, as an
// informer does at its start.
func (m *measurement) watchList(ctx context.Context) error {
	return m.measure(ctx, workWatchList, func(ctx context.Context, w *worker) error {
		return m.readInitial(ctx, w.client, func([]byte) {})
	})
}

// readInitial gives each initial event of a watch to visit.
func (m *measurement) readInitial(ctx context.Context, c *client, visit func(event []byte)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.open(ctx, http.MethodGet, watchListPath, "", nil)
	if err != nil {
		return err
	}
	defer func() { _ = stream.Close() }()
	lines := events(stream)
	for seen := 0; lines.Scan(); seen++ {
		visit(lines.Bytes())
		switch {
		case bytes.HasPrefix(lines.Bytes(), []byte(`{"type":"BOOKMARK"`)) && seen == m.sessions:
			return nil
		case !bytes.HasPrefix(lines.Bytes(), []byte(`{"type":"ADDED"`)):
			return fmt.Errorf("event %d of the watch is %.100s", seen, lines.Bytes())
		}
	}
	return errors.Join(errors.New("the watch has ended before its initial events"), lines.Err())
}

// streamsPerConnection is how many watches share a connection: no server allows
// fewer.
const streamsPerConnection = 100

// fanOuts measures how long it takes until all watchers have the event of a
// write. They watch a single Session, because tilt-apiserver begins each watch
// with all that there is.
func (m *measurement) fanOuts(ctx context.Context) error {
	if m.sessions != m.options.sessions[0] {
		return nil
	}
	for _, watchers := range m.options.watchers {
		if err := m.fanOut(ctx, watchers); err != nil {
			return err
		}
	}
	return nil
}

func (m *measurement) fanOut(ctx context.Context, watchers int) error {
	name := sessionName(0)
	workers, err := m.newWorkers(1)
	if err != nil {
		return err
	}
	stored, err := workers[0].do(ctx, http.MethodGet, sessionPath(name), "", nil)
	if err != nil {
		return err
	}
	path := sessionsPath + "?watch=true&fieldSelector=metadata.name%3D" + name +
		"&resourceVersion=" + valueOf(stored, "resourceVersion")

	var reading sync.WaitGroup
	defer reading.Wait()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	arrived := make(chan int, watchers)
	for i := range watchers {
		// The first client is the one that writes.
		c, err := m.client(1 + i/streamsPerConnection)
		if err != nil {
			return err
		}
		stream, err := c.open(ctx, http.MethodGet, path, "", nil)
		if err != nil {
			return fmt.Errorf("watch %d: %w", i, err)
		}
		reading.Go(func() {
			defer func() { _ = stream.Close() }()
			lines := events(stream)
			for lines.Scan() {
				select {
				case arrived <- pidOf(lines.Bytes()):
				case <-ctx.Done():
					return
				}
			}
			fail(errors.Join(errors.New("a watch has ended"), lines.Err()))
		})
	}
	do := func(ctx context.Context, w *worker) error {
		if err := m.mergeStatus(ctx, w.client, name); err != nil {
			return err
		}
		written := firstPID + int(m.writes.Load())
		for missing := watchers; missing > 0; {
			select {
			case pid := <-arrived:
				if pid == written {
					missing--
				}
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	}
	if err := do(ctx, workers[0]); err != nil {
		return fmt.Errorf("%s: %w", workFanOut, err)
	}
	key := m.key(workFanOut, fmt.Sprintf("watchers=%d", watchers))
	return m.profile(ctx, key, func() error { return m.times(ctx, key, workers, m.options.duration, do) })
}
