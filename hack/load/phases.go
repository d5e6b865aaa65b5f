// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// fill creates all Sessions, and writes the status of each.
func (m *measurement) fill(ctx context.Context) error {
	err := m.times(ctx, "create", m.sessions, m.writers, func(ctx context.Context, i int) error {
		body, err := newSession(i)
		if err != nil {
			return err
		}
		_, err = m.server.do(ctx, http.MethodPost, sessionsPath, jsonType, body)
		return err
	})
	if err != nil {
		return err
	}
	return m.profiled(ctx, "status", func() error { return m.statuses(ctx, "status-first", m.sessions, m.writers) })
}

// statuses writes the status of Sessions, each in turn.
func (m *measurement) statuses(ctx context.Context, what string, n, clients int) error {
	return m.times(ctx, fmt.Sprint(what, "/writers=", clients), n, clients, func(ctx context.Context, i int) error {
		body, err := newStatus(m.targets, i+1)
		if err != nil {
			return err
		}
		_, err = m.server.do(ctx, http.MethodPatch, sessionsPath+"/"+name(i*41%m.sessions)+"/status", mergePatch, body)
		return err
	})
}

// write writes statuses again, by one client and by several.
func (m *measurement) write(ctx context.Context) error {
	if err := m.statuses(ctx, "status", m.writes, 1); err != nil {
		return err
	}
	return m.statuses(ctx, "status", m.writes, m.writers)
}

func (m *measurement) get(ctx context.Context) error {
	return m.times(ctx, "get", m.reads, 1, func(ctx context.Context, i int) error {
		_, err := m.server.do(ctx, http.MethodGet, sessionsPath+"/"+name(i*37%m.sessions), "", nil)
		return err
	})
}

// list pages through all Sessions several times.
func (m *measurement) list(ctx context.Context) error {
	pages := (m.sessions + m.page - 1) / m.page
	rounds := (100 + pages - 1) / pages
	next, seen := "", 0
	return m.profiled(ctx, "list", func() error {
		return m.times(ctx, fmt.Sprint("list/limit=", m.page), rounds*pages, 1, func(ctx context.Context, i int) error {
			path := sessionsPath + "?limit=" + strconv.Itoa(m.page)
			if next != "" {
				path += "&continue=" + url.QueryEscape(next)
			}
			page, err := m.server.do(ctx, http.MethodGet, path, "", nil)
			if err != nil {
				return err
			}
			next, seen, err = follow(page, seen)
			if last := i%pages == pages-1; err == nil && (last != (next == "") || last && seen%m.sessions != 0) {
				err = fmt.Errorf("page %d ends at object %d of %d", i%pages, seen, m.sessions)
			}
			return err
		})
	})
}

// follow returns where the next page begins, and how many objects were seen
// with this one. It decodes only what comes before them, so as not to measure
// the client.
func follow(page []byte, seen int) (next string, now int, err error) {
	decoder := json.NewDecoder(bytes.NewReader(page))
	for key, err := decoder.Token(); key != "metadata"; key, err = decoder.Token() {
		if err != nil {
			return "", 0, fmt.Errorf("a list without metadata: %w", err)
		}
	}
	var metadata metav1.ListMeta
	err = decoder.Decode(&metadata)
	return metadata.Continue, seen + bytes.Count(page, []byte(`"tiltfilePath":"`)), err
}

// watch opens watches, and reads each until it has all that is there.
func (m *measurement) watch(ctx context.Context) error {
	const query = "?watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
	return m.profiled(ctx, "watch", func() error {
		return m.times(ctx, "watch-initial", 5, 1, func(ctx context.Context, _ int) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			events, err := m.server.send(ctx, http.MethodGet, sessionsPath+query, "", nil)
			if err != nil {
				return err
			}
			defer events.Close()
			return readInitial(bufio.NewReaderSize(events, 1<<20), m.sessions)
		})
	})
}

// readInitial reads events, of which each is a line, up to the bookmark that
// ends what is there.
func readInitial(events *bufio.Reader, sessions int) error {
	for seen := 0; ; seen++ {
		line, err := events.ReadSlice('\n')
		switch {
		case err != nil:
			return fmt.Errorf("after %d events: %w", seen, err)
		case bytes.HasPrefix(line, []byte(`{"type":"BOOKMARK"`)) && seen == sessions:
			return nil
		case !bytes.HasPrefix(line, []byte(`{"type":"ADDED"`)):
			return fmt.Errorf("event %d is %.100s", seen, line)
		}
	}
}

// file tells how large the file is.
func (m *measurement) file() error {
	info, err := os.Stat(filepath.Join(m.dir, "data", "storage.db"))
	if err != nil {
		return err
	}
	m.tell("file", 1, megabytes(info.Size(), "MB"))
	return nil
}
