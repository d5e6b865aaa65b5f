// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"tilt.dev/session/hack/bench/result"
)

// The kinds of work.
const (
	workStart      = "Start"
	workRestart    = "Restart"
	workMemory     = "Memory"
	workDataSize   = "DataSize"
	workAnswerSize = "AnswerSize"
	workGet        = "Get"
	workList       = "List"
	workPages      = "ListPages"
	workWatchList  = "WatchList"
	workUpdate     = "UpdateStatus"
	workMerge      = "MergeStatus"
	workApply      = "ApplyStatus"
	workCreate     = "Create"
	workDelete     = "Delete"
	workFanOut     = "FanOut"
)

// work measures everything that a server does with its Sessions.
func (m *measurement) work(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		m.get, m.list, m.pages, m.watchList, m.update, m.merge, m.apply,
		m.createAndDelete, m.fanOuts, m.memoryAfterwards, m.restart,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// prepare measures the memory of the empty server and creates the Sessions,
// each with its status.
func (m *measurement) prepare(ctx context.Context) error {
	if err := m.memoryAt("start"); err != nil {
		return err
	}
	workers, err := m.newWorkers(slices.Max(m.options.workers))
	if err != nil {
		return err
	}
	_, err = repeat(ctx, workers, 0, func(ctx context.Context, w *worker) error {
		if w.turn == len(w.sessions) {
			return errDone
		}
		if err := create(ctx, w.client, w.session()); err != nil {
			return err
		}
		return m.mergeStatus(ctx, w.client, w.session())
	})
	return err
}

func create(ctx context.Context, c *client, name string) error {
	body, err := json.Marshal(newSession(name))
	if err != nil {
		return err
	}
	_, err = c.do(ctx, http.MethodPost, sessionsPath, contentJSON, body)
	return err
}

func (m *measurement) get(ctx context.Context) error {
	return m.measure(ctx, workGet, func(ctx context.Context, w *worker) error {
		_, err := w.do(ctx, http.MethodGet, sessionPath(w.session()), "", nil)
		return err
	})
}

func (m *measurement) list(ctx context.Context) error {
	return m.measure(ctx, workList, func(ctx context.Context, w *worker) error {
		_, err := w.do(ctx, http.MethodGet, sessionsPath, "", nil)
		return err
	})
}

// pages reads a whole list page by page as one operation.
func (m *measurement) pages(ctx context.Context) error {
	return m.measure(ctx, workPages, func(ctx context.Context, w *worker) error {
		n, err := m.readPages(ctx, w.client, func(string, []byte) {})
		if want := (m.sessions + m.options.page - 1) / m.options.page; err == nil && n != want {
			err = fmt.Errorf("it ignores limit: %d of %d pages have everything", n, want)
		}
		return err
	})
}

// readPages gives each page to visit, with its path, and returns their number.
func (m *measurement) readPages(ctx context.Context, c *client,
	visit func(path string, page []byte)) (n int, err error) {
	first := sessionsPath + "?limit=" + strconv.Itoa(m.options.page)
	for path := first; ; n++ {
		page, err := c.do(ctx, http.MethodGet, path, "", nil)
		if err != nil {
			return n, err
		}
		visit(path, page)
		// The metadata precedes the items.
		next := valueOf(page[:min(len(page), 1000)], "continue")
		if next == "" {
			return n + 1, nil
		}
		path = first + "&continue=" + url.QueryEscape(next)
	}
}

// update replaces a status, in the version that the worker has seen last.
func (m *measurement) update(ctx context.Context) error {
	return m.measure(ctx, workUpdate, func(ctx context.Context, w *worker) error {
		name := w.session()
		if w.versions[name] == "" {
			stored, err := w.do(ctx, http.MethodGet, sessionPath(name), "", nil)
			if err != nil {
				return err
			}
			w.versions[name] = valueOf(stored, "resourceVersion")
		}
		answer, err := m.write(ctx, w.client, http.MethodPut, name, contentJSON, m.templates.update, w.versions[name])
		w.versions[name] = valueOf(answer, "resourceVersion")
		return err
	})
}

func (m *measurement) merge(ctx context.Context) error {
	return m.measure(ctx, workMerge, func(ctx context.Context, w *worker) error {
		return m.mergeStatus(ctx, w.client, w.session())
	})
}

func (m *measurement) mergeStatus(ctx context.Context, c *client, name string) error {
	_, err := m.write(ctx, c, http.MethodPatch, name, contentMerge, m.templates.merge, "")
	return err
}

func (m *measurement) apply(ctx context.Context) error {
	return m.measure(ctx, workApply, func(ctx context.Context, w *worker) error {
		_, err := m.write(ctx, w.client, http.MethodPatch, w.session(), contentApply, m.templates.apply, "")
		return err
	})
}

// write writes a status and checks that the answer has it.
func (m *measurement) write(ctx context.Context, c *client,
	method, name, contentType string, template []byte, version string) ([]byte, error) {
	pid := m.nextPID()
	body, err := fill(template, name, version, pid)
	if err != nil {
		return nil, err
	}
	path := sessionPath(name) + "/status"
	if contentType == contentApply {
		path += "?fieldManager=bench&force=true"
	}
	answer, err := c.do(ctx, method, path, contentType, body)
	if err == nil && pidOf(answer) != pid {
		err = fmt.Errorf("%s %s: the answer doesn't have what was written: %.200s", method, path, answer)
	}
	return answer, err
}

// createAndDelete deletes what it creates.
func (m *measurement) createAndDelete(ctx context.Context) error {
	for _, n := range m.options.workers {
		workers, err := m.newWorkers(n)
		if err != nil {
			return err
		}
		for _, w := range workers {
			w.sessions = nil
		}
		key := m.key(workCreate, fmt.Sprintf("workers=%d", n))
		err = m.profile(ctx, key, func() error {
			return m.times(ctx, key, workers, m.options.duration, func(ctx context.Context, w *worker) error {
				name := fmt.Sprintf("created-%d", m.nextPID())
				w.sessions = append(w.sessions, name)
				return create(ctx, w.client, name)
			})
		})
		if err != nil {
			return err
		}
		for _, w := range workers {
			w.turn = 0
		}
		key = m.key(workDelete, fmt.Sprintf("workers=%d", n))
		err = m.times(ctx, key, workers, 0, func(ctx context.Context, w *worker) error {
			if w.turn == len(w.sessions) {
				return errDone
			}
			_, err := w.do(ctx, http.MethodDelete, sessionPath(w.session()), "", nil)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (m *measurement) memoryAt(moment string) error {
	rss, anonymous, err := m.memory()
	if err != nil {
		return err
	}
	return m.add(m.key(workMemory, "at="+moment), 1,
		result.Value{Number: float64(rss), Unit: result.Bytes},
		result.Value{Number: float64(anonymous), Unit: "anonymous-bytes"})
}

// memoryAfterwards measures memory after the work, and after the time without
// requests that -idle asks for.
func (m *measurement) memoryAfterwards(ctx context.Context) error {
	if err := m.memoryAt("end"); err != nil || m.options.idle == 0 {
		return err
	}
	m.close()
	idle := time.NewTimer(m.options.idle)
	defer idle.Stop()
	select {
	case <-idle.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return m.memoryAt("idle")
}

// restart measures how much a durable server has on disk, and how soon it is
// ready with it.
func (m *measurement) restart(ctx context.Context) error {
	if !m.durable {
		return nil
	}
	m.close()
	if err := m.stopProcess(); err != nil {
		return err
	}
	size, err := m.dataSize()
	if err != nil {
		return err
	}
	if err := m.add(m.key(workDataSize), 1, result.Value{Number: float64(size), Unit: result.Bytes}); err != nil {
		return err
	}
	took, err := m.launch(ctx)
	if err != nil {
		return err
	}
	c, err := m.client(0)
	if err != nil {
		return err
	}
	list, err := c.do(ctx, http.MethodGet, sessionsPath, "", nil)
	if err != nil {
		return err
	}
	if n := bytes.Count(list, []byte(`"tiltfilePath":"`)); n != m.sessions {
		return fmt.Errorf("after a restart it has %d Sessions", n)
	}
	return m.add(m.key(workRestart), 1, result.Value{Number: float64(took), Unit: result.Nanoseconds})
}
