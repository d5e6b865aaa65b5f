// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/websocket"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/apiserver"
	testserver "tilt.dev/session/pkg/testing/server"
)

// rawEvent is an event of a watch as the server sends it.
type rawEvent struct {
	Type   string
	Object json.RawMessage
}

func (e rawEvent) session(t testing.TB) *v1alpha1.Session {
	t.Helper()
	var session v1alpha1.Session
	if err := json.Unmarshal(e.Object, &session); err != nil {
		t.Fatalf("%v in %s", err, e.Object)
	}
	return &session
}

// rawWatch is a watch on a connection of its own.
type rawWatch struct {
	body   io.ReadCloser
	events *json.Decoder
}

func openWatch(t testing.TB, server *testserver.Server, query string, headers ...string) *rawWatch {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.Access().URL+sessionsPath+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+server.Access().Token)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	response, err := server.HTTPClient(t).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	if response.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(response.Body)
		t.Fatalf("watch: %d %s", response.StatusCode, answer)
	}
	return &rawWatch{body: response.Body, events: json.NewDecoder(bufio.NewReader(response.Body))}
}

func (w *rawWatch) next(t testing.TB) rawEvent {
	t.Helper()
	var event rawEvent
	if err := w.events.Decode(&event); err != nil {
		t.Fatalf("reading an event: %v", err)
	}
	return event
}

// rest returns the remaining events, and an error unless the watch ends cleanly.
func (w *rawWatch) rest() ([]rawEvent, error) {
	var events []rawEvent
	for {
		var event rawEvent
		switch err := w.events.Decode(&event); {
		case errors.Is(err, io.EOF):
			return events, nil
		case err != nil:
			return events, err
		}
		events = append(events, event)
	}
}

func TestWatchOfAClientThatHasGoneIsRemoved(t *testing.T) {
	t.Parallel()
	server := testserver.Start(t)
	sessions := server.Clientset(t).TiltV1alpha1().Sessions()
	watch := openWatch(t, server, "?watch=true")
	if _, err := sessions.Create(t.Context(), newSession("a"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	watch.next(t)
	_ = watch.body.Close()
	// The server removes the watch once it notices, whether or not it has sent the event.
	if _, err := sessions.Patch(t.Context(), "a", types.MergePatchType, []byte(`{"metadata":{"labels":{"x":"y"}}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := server.Delivered(t.Context()); err != nil {
		t.Error(err)
	}
}

// A watch that is open receives the verdict before the server stops.
func TestWatchesReceiveTheVerdictBeforeTheServerStops(t *testing.T) {
	t.Parallel()
	server := testserver.Start(t, testserver.Configure{Options: func(o *apiserver.Options) { o.DrainTimeout = patience }})
	sessions := server.Clientset(t).TiltV1alpha1().Sessions()
	created, err := sessions.Create(t.Context(), newSession("a"), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}

	watches := map[string]*rawWatch{}
	for i := range 16 {
		watches[fmt.Sprintf("watch %d", i)] = openWatch(t, server, "?watch=true&resourceVersion="+created.ResourceVersion)
	}
	watches["from the state"] = openWatch(t, server, "?watch=true")
	watches["streamed list"] = openWatch(t, server, "?watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan")
	watches["named"] = openWatch(t, server, "?watch=true&fieldSelector=metadata.name%3Da")
	// This watch receives DELETED once the Session is done.
	watches["running"] = openWatch(t, server, "?watch=true&fieldSelector=status.done%3Dfalse&resourceVersion="+created.ResourceVersion)
	uninterested := openWatch(t, server, "?watch=true&labelSelector=no%3Dmatch")
	socket := openSocket(t, server, "?watch=true&resourceVersion="+created.ResourceVersion)
	client, err := sessions.Watch(t.Context(), metav1.ListOptions{ResourceVersion: created.ResourceVersion})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Stop()

	created.Status.Done = true
	done, err := sessions.UpdateStatus(t.Context(), created, metav1.UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Delivered(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The shutdown delivers later events.
	if _, err := sessions.Patch(t.Context(), "a", types.MergePatchType, []byte(`{"metadata":{"labels":{"last":"yes"}}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- server.Stop() }()

	for name, watch := range watches {
		events, err := watch.rest()
		if err != nil {
			t.Errorf("%s: didn't end cleanly: %v", name, err)
		}
		events = slices.DeleteFunc(events, func(e rawEvent) bool { return e.Type == "BOOKMARK" })
		var versions []string
		for _, event := range events {
			session := event.session(t)
			versions = append(versions, session.ResourceVersion)
			if name != "running" && session.ResourceVersion == done.ResourceVersion && !session.Status.Done {
				t.Errorf("%s: %s", name, event.Object)
			}
		}
		if !strings.Contains(strings.Join(versions, " ")+" ", done.ResourceVersion+" ") {
			t.Errorf("%s: the verdict is missing: %v, want %s", name, versions, done.ResourceVersion)
			continue
		}
		if last := events[len(events)-1].session(t); name != "running" && last.Labels["last"] != "yes" {
			t.Errorf("%s: the last event is missing: %s", name, events[len(events)-1].Object)
		}
	}
	if events, err := uninterested.rest(); err != nil || len(events) != 0 {
		t.Errorf("uninterested: %v, %v", events, err)
	}
	checkSocket(t, socket, done.ResourceVersion)
	seen := false
	for event := range client.ResultChan() {
		if session, ok := event.Object.(*v1alpha1.Session); ok && session.ResourceVersion == done.ResourceVersion {
			seen = true
		} else if !ok {
			t.Errorf("the client-go watch got %v", event)
		}
	}
	if !seen {
		t.Error("the client-go watch has missed the verdict")
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func openSocket(t *testing.T, server *testserver.Server, query string) *websocket.Conn {
	t.Helper()
	access := server.Access()
	config, err := websocket.NewConfig("wss"+strings.TrimPrefix(access.URL, "https")+sessionsPath+query, access.URL)
	if err != nil {
		t.Fatal(err)
	}
	config.TlsConfig = server.HTTPClient(t).Transport.(*http.Transport).TLSClientConfig
	config.Header.Set("Authorization", "Bearer "+access.Token)
	socket, err := config.DialContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	return socket
}

func checkSocket(t *testing.T, socket *websocket.Conn, version string) {
	t.Helper()
	seen := false
	for {
		var event rawEvent
		if err := websocket.JSON.Receive(socket, &event); err != nil {
			if !errors.Is(err, io.EOF) {
				t.Errorf("websocket: didn't end cleanly: %v", err)
			}
			break
		}
		seen = seen || event.session(t).ResourceVersion == version
	}
	if !seen {
		t.Error("the websocket has missed the verdict")
	}
}

// narrow is a listener whose connections have small send buffers.
type narrow struct{ net.Listener }

func (n narrow) Accept() (net.Conn, error) {
	conn, err := n.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return conn, conn.(*net.TCPConn).SetWriteBuffer(32 << 10)
}

// A client that doesn't read delays neither writers nor other watches, nor the shutdown
// for longer than the drain timeout.
func TestWatchThatDoesNotReadIsCut(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := testserver.Start(t, testserver.Configure{Options: func(o *apiserver.Options) {
		o.SetListener(narrow{listener})
		o.DrainTimeout = 5 * time.Second // other watches end within it
	}})
	sessions := server.Clientset(t).TiltV1alpha1().Sessions()
	openWatch(t, server, "?watch=true")
	reader := openWatch(t, server, "?watch=true")
	// More than the buffers hold.
	big := newSession("big")
	big.Annotations = map[string]string{"big": strings.Repeat("x", 100<<10)}
	if _, err := sessions.Create(t.Context(), big, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	reader.next(t)
	for i := range 8 {
		patch := fmt.Sprintf(`{"metadata":{"labels":{"n":"%d"}}}`, i)
		if _, err := sessions.Patch(t.Context(), "big", types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
		reader.next(t)
	}
	hurried, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := server.Delivered(hurried); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Delivered returns before a slow watch has received its events: %v", err)
	}
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	if events, err := reader.rest(); err != nil || len(events) != 0 {
		t.Errorf("the other watch: %v, %v", events, err)
	}
	if _, err := sessions.Get(t.Context(), "big", metav1.GetOptions{}); err == nil || apierrors.IsNotFound(err) {
		t.Errorf("the server still answers: %v", err)
	}
}
