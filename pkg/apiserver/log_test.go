// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/apiserver"
	testserver "tilt.dev/session/pkg/testing/server"
)

// follow starts to follow the log of the Session "Tiltfile".
func follow(t *testing.T, server *testserver.Server, options *v1alpha1.SessionLogOptions) *bufio.Reader {
	t.Helper()
	stream, err := server.Clientset(t).TiltV1alpha1().Sessions().GetLogs("Tiltfile", options).Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stream.Close() })
	return bufio.NewReader(stream)
}

func wantLine(t *testing.T, log *bufio.Reader, want string) {
	t.Helper()
	if got, err := log.ReadString('\n'); got != want || err != nil {
		t.Fatalf("read %q, %v instead of %q", got, err, want)
	}
}

func wantEOF(t *testing.T, log *bufio.Reader) {
	t.Helper()
	if rest, err := io.ReadAll(log); len(rest) > 0 || err != nil {
		t.Errorf("at the end: %q, %v", rest, err)
	}
}

// The server sends each line when it is written.
func TestLogIsFlushed(t *testing.T) {
	t.Parallel()
	server, client, run := startWithRun(t)
	log := follow(t, server, &v1alpha1.SessionLogOptions{Follow: true})
	for range 3 {
		run.log <- "a line\n"
		wantLine(t, log, "a line\n")
	}
	// The request is a long-running one, without a timeout.
	metrics := string(client.do(http.MethodGet, "/metrics", nil).want(http.StatusOK).body)
	const longRunning = `apiserver_longrunning_requests{component="apiserver",group="tilt.dev",resource="sessions",scope="resource",subresource="log",verb="CONNECT",version="v1alpha1"}`
	if !strings.Contains(metrics, longRunning) {
		t.Errorf("no metric %s", longRunning)
	}
	close(run.log)
	wantEOF(t, log)
}

func TestLogIsLimited(t *testing.T) {
	t.Parallel()
	server, _, run := startWithRun(t)
	limit := int64(10)
	log := follow(t, server, &v1alpha1.SessionLogOptions{Follow: true, LimitBytes: &limit})
	run.log <- "first\n"
	wantLine(t, log, "first\n")
	run.log <- "second\n"
	if rest, err := io.ReadAll(log); string(rest) != "seco" || err != nil {
		t.Errorf("then %q, %v", rest, err)
	}
}

func TestLogMediaTypes(t *testing.T) {
	t.Parallel()
	_, client, run := startWithRun(t)
	close(run.log)
	path := sessionsPath + "/Tiltfile/log"
	for accept, want := range map[string]int{
		"":                      http.StatusOK,
		"*/*":                   http.StatusOK,
		"text/plain":            http.StatusOK,
		"text/*;q=0.9":          http.StatusOK,
		"application/x-ndjson":  http.StatusOK,
		"application/json":      http.StatusOK,
		"application/json, */*": http.StatusOK,
		"application/vnd.kubernetes.protobuf,text/plain": http.StatusOK,
		"image/png": http.StatusNotAcceptable,
	} {
		got := client.do(http.MethodGet, path, nil, "Accept: "+accept).want(want)
		if media := got.header.Get("Content-Type"); want == http.StatusOK && media != "text/plain" {
			t.Errorf("%s is answered in %s", accept, media)
		}
	}
	if media := client.do(http.MethodGet, path+"?format=json", nil).want(http.StatusOK).header.Get("Content-Type"); media != "application/x-ndjson" {
		t.Errorf("JSON is answered in %s", media)
	}
	for query, code := range map[string]int{
		"tailLines=x": http.StatusBadRequest, "tailLines=-1": http.StatusUnprocessableEntity, "resources=gone": http.StatusNotFound,
	} {
		var status metav1.Status
		client.do(http.MethodGet, path+"?"+query, nil, "Accept: text/plain").want(code, &status)
		if status.Kind != "Status" {
			t.Errorf("%s is answered by %+v", query, status)
		}
	}
}

// A log that a client follows doesn't keep the server from stopping, and ends with the
// lines that have been written.
func TestLogEndsWithServer(t *testing.T) {
	t.Parallel()
	// The test waits for the end of the log, not for a timeout.
	server, _, run := startWithRun(t, func(o *apiserver.Options) { o.DrainTimeout = time.Hour })
	log := follow(t, server, &v1alpha1.SessionLogOptions{Follow: true})
	run.log <- "a line\n"
	wantLine(t, log, "a line\n")
	stopped := make(chan error, 1)
	go func() { stopped <- server.Stop() }()
	wantLine(t, log, "the end\n")
	wantEOF(t, log)
	select {
	case err := <-stopped:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		server.Cut()
		t.Errorf("the server hasn't stopped within %v, with %v", patience, <-stopped)
	}
}

// The server doesn't wait for clients that have gone or that don't read.
func TestLogOfClientThatIsGone(t *testing.T) {
	t.Parallel()
	server, _, run := startWithRun(t)
	stream, err := server.Clientset(t).TiltV1alpha1().Sessions().GetLogs("Tiltfile", &v1alpha1.SessionLogOptions{Follow: true}).Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Close(); err != nil {
		t.Error(err)
	}
	_ = follow(t, server, &v1alpha1.SessionLogOptions{Follow: true})
	run.log <- strings.Repeat("more than a buffer holds\n", 1<<20)
}
