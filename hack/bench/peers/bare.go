// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"encoding/pem"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"

	"k8s.io/client-go/rest"
)

// bareServer answers with what another server has answered before, from memory.
type bareServer struct {
	answers *answers

	mu       sync.Mutex
	watchers map[chan []byte]struct{}
}

// serveBare serves the recorded answers until ctx is done. Package httptest sets
// up its certificate; the server is that of net/http.
func serveBare(ctx context.Context, dir string) error {
	recorded, err := readAnswers(dir)
	if err != nil {
		return err
	}
	server := httptest.NewUnstartedServer(&bareServer{answers: recorded, watchers: map[chan []byte]struct{}{}})
	server.EnableHTTP2 = true
	// Clients cancel watches; the log would report each.
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := publish(dir, &rest.Config{Host: server.URL, TLSClientConfig: rest.TLSClientConfig{CAData: ca}}); err != nil {
		return err
	}
	<-ctx.Done()
	server.CloseClientConnections()
	server.Close()
	return nil
}

func (s *bareServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", contentJSON)
	exact, found := s.answers.Exact[r.URL.RequestURI()]
	switch {
	case r.URL.Path == "/readyz":
	case r.URL.Query().Has("watch"):
		s.watch(w, r, exact)
	case r.Method == http.MethodGet && found:
		_, _ = w.Write(exact)
	case r.Method == http.MethodGet:
		_, _ = w.Write(s.answers.Get)
	case r.Method == http.MethodPost:
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(s.answers.Create)
	case r.Method == http.MethodDelete:
		_, _ = w.Write(s.answers.Delete)
	default:
		s.write(w, r)
	}
}

// write answers and notifies with the process ID that was written.
func (s *bareServer) write(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	pid := pidOf(body)
	answer, err := stamp(s.answers.Get, pid)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	event, err := stamp(s.answers.Event, pid)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	s.mu.Lock()
	watchers := slices.Collect(maps.Keys(s.watchers))
	s.mu.Unlock()
	for _, watcher := range watchers {
		select {
		case watcher <- event:
		case <-r.Context().Done():
		}
	}
	_, _ = w.Write(answer)
}

// watch sends the initial events, then those of writes until the client cancels.
func (s *bareServer) watch(w http.ResponseWriter, r *http.Request, initial []byte) {
	// Events of concurrent writes find room while one is sent.
	events := make(chan []byte, 64)
	s.mu.Lock()
	s.watchers[events] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, events)
	}()
	control := http.NewResponseController(w)
	for event := initial; ; {
		if _, err := w.Write(event); err != nil {
			return
		}
		if err := control.Flush(); err != nil {
			return
		}
		select {
		case event = <-events:
		case <-r.Context().Done():
			return
		}
	}
}
