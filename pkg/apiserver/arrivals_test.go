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

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/generated/clientset/versioned"
	"tilt.dev/session/pkg/testserver"
)

// Who has connected is waited for until the first request, or until it's gone.
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

// A visit is what somebody else asks of Sessions, from the moment at which it's
// answered.
func TestVisited(t *testing.T) {
	t.Parallel()
	server := testserver.Start(t)
	visited := func(limit time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		return server.Visited(ctx)
	}
	own, err := versioned.NewForConfig(server.LoopbackClientConfig())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := own.TiltV1alpha1().Sessions().List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	other := server.Clientset(t)
	if _, err := other.Discovery().ServerVersion(); err != nil {
		t.Fatal(err)
	}
	if err := visited(50 * time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Visited returned %v though nobody has asked for Sessions", err)
	}
	watch, err := other.TiltV1alpha1().Sessions().Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	for range 2 {
		if err := visited(patience); err != nil {
			t.Error(err)
		}
	}
}
