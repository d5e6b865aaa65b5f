// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"

	"tilt.dev/session/pkg/model"
)

// connect returns a connection to a server without TLS.
func connect(t *testing.T, url string) *Connection {
	t.Helper()
	c, err := newConnection(&model.Cluster{Context: "c", Namespace: "dev"}, &rest.Config{Host: url})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var execForTest = Exec{Namespace: "dev", Pod: "web", Container: "app", Argv: []string{"true"}}

func TestExecRefused(t *testing.T) {
	for code, want := range map[int]func(error) bool{
		http.StatusForbidden:           apierrors.IsForbidden,
		http.StatusNotFound:            apierrors.IsNotFound,
		http.StatusServiceUnavailable:  Unreachable,
		http.StatusInternalServerError: apierrors.IsInternalError,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if got := r.URL.Path + "?" + r.URL.RawQuery; got != "/api/v1/namespaces/dev/pods/web/exec?command=true&container=app&stdin=true" {
				t.Errorf("the request is %s", got)
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			reason := map[int]string{403: "Forbidden", 404: "NotFound", 503: "ServiceUnavailable", 500: "InternalError"}[code]
			fmt.Fprintf(w, `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": %q, "code": %d}`, reason, code)
		}))
		e := execForTest
		if err := e.Run(t.Context(), connect(t, server.URL)); !want(err) {
			t.Errorf("%d: the error is %v", code, err)
		}
		server.Close()
		if err := e.Run(t.Context(), connect(t, server.URL)); !Unreachable(err) {
			t.Errorf("without a server the error is %v", err)
		}
	}
}

// A server takes the connection and says nothing.
func TestExecWithoutAnswer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var serving sync.WaitGroup
	var conn net.Conn
	serving.Go(func() {
		if conn, err = listener.Accept(); err == nil {
			_, _ = conn.Read(make([]byte, 1))
			cancel()
		}
	})
	e := execForTest
	if err := e.Run(ctx, connect(t, "http://"+listener.Addr().String())); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	serving.Wait()
	conn.Close()
	listener.Close()
}

// After the return nothing is written, and what reads the input is at its end.
func TestExecStreams(t *testing.T) {
	var out bytes.Buffer
	started := 0
	s := &streams{from: strings.NewReader("input"), started: func() { started++ }}
	to := s.to(&out)
	if _, err := io.WriteString(to, "one"); err != nil || s.to(nil) != nil {
		t.Error(err)
	}
	if n, err := s.Read(make([]byte, 2)); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	s.close()
	if _, err := io.WriteString(to, "two"); err == nil || out.String() != "one" {
		t.Errorf("%v, output %q", err, out.String())
	}
	if n, err := s.Read(make([]byte, 2)); n != 0 || !errors.Is(err, io.EOF) || started != 2 {
		t.Errorf("%d, %v", n, err)
	}
}
