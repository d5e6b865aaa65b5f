// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"net/http"
	"os"
	"path/filepath"
)

// answersFile has the answers of the reference.
const answersFile = "answers"

// answers are the recorded answers that the bare server repeats.
type answers struct {
	// Exact are the answers to requests of lists, pages and initial events.
	Exact map[string][]byte
	// Get is a Session, Event the event of a write. Create and Delete are the
	// answers to these requests.
	Get, Event, Create, Delete []byte
}

func readAnswers(dir string) (*answers, error) {
	text, err := os.ReadFile(filepath.Join(dir, answersFile))
	if err != nil {
		return nil, err
	}
	var a answers
	return &a, gob.NewDecoder(bytes.NewReader(text)).Decode(&a)
}

// record asks the server for one of each and writes the answers to a file.
func (m *measurement) record(ctx context.Context, path string) error {
	c, err := m.client(0)
	if err != nil {
		return err
	}
	a := answers{Exact: map[string][]byte{}}
	stored, err := c.do(ctx, http.MethodGet, sessionPath(sessionName(0)), "", nil)
	if err != nil {
		return err
	}
	a.Get = bytes.Clone(stored)
	list, err := c.do(ctx, http.MethodGet, sessionsPath, "", nil)
	if err != nil {
		return err
	}
	a.Exact[sessionsPath] = bytes.Clone(list)
	if _, err := m.readPages(ctx, c, func(path string, page []byte) { a.Exact[path] = bytes.Clone(page) }); err != nil {
		return err
	}
	err = m.readInitial(ctx, c, func(event []byte) {
		a.Exact[watchListPath] = append(append(a.Exact[watchListPath], event...), '\n')
	})
	if err != nil {
		return err
	}
	if a.Event, err = m.recordEvent(ctx, c); err != nil {
		return err
	}
	const name = "recorded"
	if err := create(ctx, c, name); err != nil {
		return err
	}
	a.Create = bytes.Clone(c.buffer.Bytes())
	deleted, err := c.do(ctx, http.MethodDelete, sessionPath(name), "", nil)
	if err != nil {
		return err
	}
	a.Delete = bytes.Clone(deleted)
	var text bytes.Buffer
	if err := gob.NewEncoder(&text).Encode(a); err != nil {
		return err
	}
	return publishFile(path, text.Bytes())
}

// recordEvent returns the event of a write.
func (m *measurement) recordEvent(ctx context.Context, c *client) ([]byte, error) {
	name := sessionName(0)
	stored, err := c.do(ctx, http.MethodGet, sessionPath(name), "", nil)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	path := sessionsPath + "?watch=true&resourceVersion=" + valueOf(stored, "resourceVersion")
	stream, err := c.open(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = stream.Close() }()
	if err := m.mergeStatus(ctx, c, name); err != nil {
		return nil, err
	}
	lines := events(stream)
	if !lines.Scan() {
		return nil, errors.Join(errors.New("no event of a write"), lines.Err())
	}
	return append(bytes.Clone(lines.Bytes()), '\n'), nil
}
