// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"tilt.dev/session/pkg/compose/dockerapi"
)

// fakeEngine answers as an engine does, and has faults on demand. It is for faults that a real one doesn't have when a
// test wants them.
type fakeEngine struct {
	mu         sync.Mutex
	containers map[string]*dockerapi.Container
	// fault, if set, answers a request instead, unless it returns false.
	fault func(w http.ResponseWriter, r *http.Request) bool
	// calls counts the requests by the last word of their paths.
	calls map[string]int
	// events are the streams.
	events map[chan string]bool
	logs   string
	// broken is closed to end all requests that don't end by themselves.
	broken chan struct{}
}

func newFakeEngine(containers ...*dockerapi.Container) *fakeEngine {
	f := &fakeEngine{
		containers: map[string]*dockerapi.Container{}, calls: map[string]int{}, events: map[chan string]bool{},
	}
	for _, c := range containers {
		f.containers[c.ID] = c
	}
	return f
}

// aContainer is a container of the service web in the project p.
func aContainer(id, status string) *dockerapi.Container {
	return &dockerapi.Container{
		ID: id, Name: "/p-web-1", State: dockerapi.State{Status: status, StartedAt: time.Now()},
		Config: dockerapi.Config{Labels: map[string]string{labelProject: "p", labelService: "web", labelNumber: "1"}},
	}
}

// set changes a container. With tell there is an event.
func (f *fakeEngine) set(c *dockerapi.Container, tell bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.containers[c.ID] = c
	if tell {
		for stream := range f.events {
			stream <- `{"Actor": {"ID": "` + c.ID + `"}}`
		}
	}
}

// say sends a text to all streams of events.
func (f *fakeEngine) say(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for stream := range f.events {
		stream <- text
	}
}

// cut ends all requests that don't end by themselves.
func (f *fakeEngine) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.broken)
	f.broken = make(chan struct{})
}

func (f *fakeEngine) setFault(fault func(http.ResponseWriter, *http.Request) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

func (f *fakeEngine) count(call string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[call]
}

// hang answers nothing.
func (f *fakeEngine) hang(_ http.ResponseWriter, r *http.Request) bool {
	f.mu.Lock()
	broken := f.broken
	f.mu.Unlock()
	select {
	case <-r.Context().Done():
	case <-broken:
	}
	return true
}

func (f *fakeEngine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.Split(r.URL.Path, "/")
	call := path[len(path)-1]
	f.mu.Lock()
	fault, broken := f.fault, f.broken
	f.calls[call]++
	f.mu.Unlock()
	if fault != nil && fault(w, r) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case r.URL.Path == "/containers/json":
		list := []map[string]string{}
		for id := range f.containers {
			list = append(list, map[string]string{"Id": id})
		}
		_ = json.NewEncoder(w).Encode(list)
	case r.URL.Path == "/networks":
		_, _ = w.Write([]byte("[]"))
	case call == "events":
		f.stream(w, r, broken)
	case call == "logs":
		_, _ = w.Write([]byte(f.logs))
	case call == "json":
		c := f.containers[path[2]]
		if c == nil {
			http.Error(w, `{"message": "No such container"}`, http.StatusNotFound)
			return
		}
		_ = json.NewEncoder(w).Encode(c)
	case r.Method == http.MethodDelete:
		delete(f.containers, path[2])
	}
}

// stream is a stream of events. The caller holds the lock.
func (f *fakeEngine) stream(w http.ResponseWriter, r *http.Request, broken chan struct{}) {
	events := make(chan string, 10)
	f.events[events] = true
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.events, events)
	}()
	_ = http.NewResponseController(w).Flush()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-broken:
			panic(http.ErrAbortHandler)
		case text := <-events:
			_, _ = w.Write([]byte(text))
			_ = http.NewResponseController(w).Flush()
		}
	}
}

// pipes is a listener whose connections are in memory, so that time can be that of a bubble.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipes) Addr() net.Addr { return address("pipes") }

// serve serves an engine in memory, and returns its client.
func (f *fakeEngine) serve(t *testing.T) *dockerapi.Client {
	t.Helper()
	f.broken = make(chan struct{}) // Within the bubble of time.
	p := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: f}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(p) })
	client, err := dockerapi.New("memory://engine", func(ctx context.Context) (net.Conn, error) {
		ours, theirs := net.Pipe()
		select {
		case p.conns <- theirs:
			return ours, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-p.done:
			return nil, net.ErrClosed
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		_ = server.Close()
		serving.Wait()
	})
	return client
}
