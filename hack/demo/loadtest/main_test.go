// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

func TestRun(t *testing.T) {
	var orders atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if orders.Add(1) > 6 {
			http.Error(w, "sold out", http.StatusServiceUnavailable)
			return
		}
		if _, err := io.WriteString(w, "{}"); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	args := []string{"-orders", server.URL, "-customers", "2", "-each", "3"}
	if err := run(t.Context(), flag.NewFlagSet("loadtest", flag.ContinueOnError), args); err != nil {
		t.Error(err)
	}
	if orders.Load() != 6 {
		t.Errorf("%d orders, want 6", orders.Load())
	}
	if err := run(t.Context(), flag.NewFlagSet("loadtest", flag.ContinueOnError), args); err == nil {
		t.Error("sold out: no error")
	}
}
