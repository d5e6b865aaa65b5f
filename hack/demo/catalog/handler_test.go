// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"tilt.dev/session/hack/demo/internal/shop"
)

func TestHandler(t *testing.T) {
	handler := newHandler([]shop.Product{{ID: "cup", Name: "Cup", Price: 450}})
	for _, test := range []struct {
		method, path string
		code         int
		body         string
	}{
		{"GET", "/products", http.StatusOK, `[{"id":"cup","name":"Cup","price":450}]` + "\n"},
		{"GET", "/products/cup", http.StatusOK, `{"id":"cup","name":"Cup","price":450}` + "\n"},
		{"GET", "/products/pot", http.StatusNotFound, "no such product\n"},
		{"POST", "/products", http.StatusMethodNotAllowed, "Method Not Allowed\n"},
	} {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest(test.method, test.path, nil))
			if w.Code != test.code || w.Body.String() != test.body {
				t.Errorf("%d %q, want %d %q", w.Code, w.Body, test.code, test.body)
			}
		})
	}
}
