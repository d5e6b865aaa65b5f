// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"tilt.dev/session/pkg/apiserver"
	testserver "tilt.dev/session/pkg/testing/server"
)

// A server that shuts down fails /readyz and keeps serving for the delay, then refuses
// new requests with 429, and answers all requests that it has accepted.
func TestShutdownUnderLoad(t *testing.T) {
	t.Parallel()
	server := testserver.Start(t, testserver.Configure{Options: func(o *apiserver.Options) {
		// The test must send its requests within the delay.
		o.ShutdownDelay, o.DrainTimeout = 15*time.Second, time.Minute
	}})
	token := "Authorization: Bearer " + server.Access().Token
	load := startTraffic(t, server, &tls.Config{RootCAs: ownRoots(t, server)}, token)
	watch := openWatch(t, server, "?watch=true")
	load.goesOn(t)
	stopped := make(chan error, 1)
	go func() { stopped <- server.Stop() }()

	client := newRawClient(t, server)
	eventually(t, "it isn't ready", func() bool { return client.do(http.MethodGet, "/readyz", nil).code == http.StatusInternalServerError })
	// The server is alive, accepts writes and delivers their events.
	client.do(http.MethodGet, "/livez", nil).want(http.StatusOK)
	reply := client.do(http.MethodPost, sessionsPath, newSession("late")).want(http.StatusCreated)
	if !reply.closes {
		t.Errorf("the client keeps its connection: %v", reply.header)
	}
	if event := watch.next(t); event.session(t).Name != "late" {
		t.Errorf("watched: %s", event.Object)
	}
	slow := startSlowPost(t, server, newSession("slow"))

	eventually(t, "clients are asked to try again", func() bool { return load.refused.Load() == clients || len(load.failed()) > 0 })
	for _, failure := range load.end() {
		t.Error(failure)
	}
	if events, err := watch.rest(); err != nil || len(events) != 0 {
		t.Errorf("the watch ends with %v, %v", events, err)
	}
	if reply := client.do(http.MethodGet, sessionsPath, nil).want(http.StatusTooManyRequests); reply.header.Get("Retry-After") == "" {
		t.Errorf("it isn't said when to try again: %v", reply.header)
	}
	select {
	case err := <-stopped:
		t.Fatalf("it has stopped with a request in flight: %v", err)
	default:
	}
	if code := slow.finish(t); code != http.StatusCreated {
		t.Errorf("the request in flight is answered with %d", code)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// Cut ends each kind of wait of a server that shuts down.
func TestCut(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		delay, drain time.Duration
		// leaving returns when the server waits.
		leaving func(*testing.T, *testserver.Server, *rawWatch)
	}{
		"before": {time.Hour, time.Hour, func(_ *testing.T, server *testserver.Server, _ *rawWatch) { server.Cut() }},
		"during the delay": {time.Hour, time.Minute, func(t *testing.T, server *testserver.Server, _ *rawWatch) {
			client := newRawClient(t, server)
			eventually(t, "it isn't ready", func() bool { return client.do(http.MethodGet, "/readyz", nil).code != http.StatusOK })
		}},
		"while requests are waited for": {0, time.Hour, func(t *testing.T, _ *testserver.Server, watch *rawWatch) {
			if _, err := watch.rest(); err != nil {
				t.Errorf("the watch ends with %v", err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testserver.Start(t, testserver.Configure{Options: func(o *apiserver.Options) {
				o.ShutdownDelay, o.DrainTimeout = test.delay, test.drain
			}})
			watch := openWatch(t, server, "?watch=true")
			slow := startSlowPost(t, server, newSession("slow"))
			stopped := make(chan error, 1)
			go func() { stopped <- server.Stop() }()
			test.leaving(t, server, watch)
			server.Cut()
			server.Cut()
			if err := <-stopped; err != nil {
				t.Error(err)
			}
			_ = slow.body.CloseWithError(io.ErrUnexpectedEOF) // the client waits for it
			if answer := <-slow.answer; answer.err == nil {
				t.Errorf("the request that was cut is answered with %d", answer.code)
			}
		})
	}
}

// slowPost is a request whose body has been sent in part.
type slowPost struct {
	body   *io.PipeWriter
	rest   string
	answer chan answer
}

// answer is the result of a request.
type answer struct {
	code int
	err  error
}

// startSlowPost returns when the server has started to read the body.
func startSlowPost(t *testing.T, server *testserver.Server, object any) *slowPost {
	t.Helper()
	content, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	reader, writer := io.Pipe()
	post := &slowPost{body: writer, rest: string(content[len(content)/2:]), answer: make(chan answer, 1)}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.Access().URL+sessionsPath, reader)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", jsonType)
	request.Header.Set("Authorization", "Bearer "+server.Access().Token)
	request.Header.Set("Expect", "100-continue")
	transport := server.HTTPClient(t).Transport.(*http.Transport)
	transport.ExpectContinueTimeout = time.Minute
	go func() {
		defer close(post.answer)
		response, err := transport.RoundTrip(request)
		if err != nil {
			post.answer <- answer{err: err}
			return
		}
		_ = response.Body.Close()
		post.answer <- answer{code: response.StatusCode}
	}()
	// The client reads this when the server has sent 100 Continue.
	if _, err := io.Copy(writer, strings.NewReader(string(content[:len(content)/2]))); err != nil {
		t.Fatal(err)
	}
	return post
}

func (p *slowPost) finish(t *testing.T) int {
	t.Helper()
	if _, err := io.WriteString(p.body, p.rest); err != nil {
		t.Fatal(err)
	}
	if err := p.body.Close(); err != nil {
		t.Fatal(err)
	}
	answer := <-p.answer
	if answer.err != nil {
		t.Fatalf("the slow request: %v", answer.err)
	}
	return answer.code
}
