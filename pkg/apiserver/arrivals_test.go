// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	testserver "tilt.dev/session/pkg/testing/server"
)

// Arrived waits for an open connection until its first request, or until it is closed.
func TestArrived(t *testing.T) {
	t.Parallel()
	server := testserver.Start(t)
	address := strings.TrimPrefix(server.Access().URL, "https://")
	connect := func() *tls.Conn {
		conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	stillWaiting := func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := server.Arrived(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Arrived returned %v while a client hadn't made a request", err)
		}
	}
	arrived := func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := server.Arrived(ctx); err != nil {
			t.Error(err)
		}
	}

	arrived()
	conn := connect()
	stillWaiting()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.Access().URL+"/livez", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := request.Write(conn); err != nil {
		t.Fatal(err)
	}
	arrived()
	gone := connect()
	stillWaiting()
	gone.Close()
	arrived()
}
