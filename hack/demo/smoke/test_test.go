// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"tilt.dev/session/hack/demo/internal/shop"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake answers as a shop with one product, whose orders cost total.
func fake(t *testing.T, total string) *shop.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		switch {
		case err != nil:
			t.Error(err)
		case r.URL.Path == "/products":
			_, err = io.WriteString(w, `[{"id":"cup","name":"Cup","price":450}]`)
		case strings.Contains(string(body), "cup"):
			_, err = io.WriteString(w, `{"id":1,"product":"cup","quantity":1,"total":`+total+`}`)
		default:
			http.Error(w, "no such product", http.StatusUnprocessableEntity)
		}
		if err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return &shop.Client{HTTP: server.Client(), Catalog: server.URL, Orders: server.URL}
}

func TestGoodShop(t *testing.T) {
	var out bytes.Buffer
	if err := test(t.Context(), fake(t, "450"), 1, &out); err != nil {
		t.Fatal(err)
	}
	if want := "ok  the catalog has 1 products\nok  order 1: 1 x Cup\nok  what isn't there isn't sold\n"; out.String() != want {
		t.Errorf("printed %q, want %q", out.String(), want)
	}
}

func TestBadShops(t *testing.T) {
	if err := test(t.Context(), fake(t, "450"), 2, io.Discard); err == nil || !strings.Contains(err.Error(), "1 products, want 2") {
		t.Errorf("wrong number: %v", err)
	}
	if err := test(t.Context(), fake(t, "451"), 1, io.Discard); err == nil || !strings.Contains(err.Error(), "cost 451, want 450") {
		t.Errorf("wrong total: %v", err)
	}
	client := fake(t, "450")
	client.Orders += "/no\x7f"
	if err := test(t.Context(), client, 1, io.Discard); err == nil {
		t.Error("bad URL: no error")
	}
}
