// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"tilt.dev/session/hack/demo/internal/shop"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newShop is a handler with an empty book, and a catalog of one product.
func newShop(t *testing.T) (handler http.Handler, book *book, catalog *httptest.Server) {
	t.Helper()
	catalog = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/products":
			fmt.Fprint(w, "[]")
		case "/products/cup":
			fmt.Fprint(w, `{"id":"cup","price":450}`)
		case "/products/broken":
			w.WriteHeader(http.StatusInternalServerError)
		default:
			http.Error(w, "no such product", http.StatusNotFound)
		}
	}))
	t.Cleanup(catalog.Close)
	directory := shop.Directory(t.TempDir())
	if err := shop.Replace(directory.Orders(), nil); err != nil {
		t.Fatal(err)
	}
	book, err := openBook(directory)
	if err != nil {
		t.Fatal(err)
	}
	return newHandler(book, &shop.Client{HTTP: catalog.Client(), Catalog: catalog.URL}), book, catalog
}

func do(handler http.Handler, method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
}

func TestOrders(t *testing.T) {
	handler, book, _ := newShop(t)
	for _, test := range []struct {
		order string
		code  int
		body  string
	}{
		{`{"product":"cup","quantity":3}`, http.StatusCreated, `"total":1350`},
		{`{"product":"cup","quantity":1}`, http.StatusCreated, `"id":2`},
		{`{"product":"cup"}`, http.StatusBadRequest, "quantity"},
		{`{"product":"cup","quantity":101}`, http.StatusBadRequest, "quantity"},
		{`{"product":"a/b?c","quantity":1}`, http.StatusUnprocessableEntity, "no such product"},
		{`{"product":"broken","quantity":1}`, http.StatusBadGateway, "500"},
		{`cup`, http.StatusBadRequest, "not an order"},
		{`{"product":"` + strings.Repeat("x", 2000) + `"}`, http.StatusBadRequest, "too large"},
	} {
		w := do(handler, "POST", "/orders", test.order)
		if w.Code != test.code || !strings.Contains(w.Body.String(), test.body) {
			t.Errorf("%.40s: %d %q, want %d and %q", test.order, w.Code, w.Body, test.code, test.body)
		}
	}
	if again, err := openBook(book.directory); err != nil || again.count != 2 {
		t.Errorf("%v orders were written, %v, want 2", again, err)
	}
}

func TestOrdersAtOnce(t *testing.T) {
	handler, book, _ := newShop(t)
	var clients sync.WaitGroup
	for range 20 {
		clients.Go(func() { do(handler, "POST", "/orders", `{"product":"cup","quantity":1}`) })
	}
	clients.Wait()
	orders, _, err := shop.ReadOrders(book.directory, 0)
	if err != nil || len(orders) != 20 || orders[19].ID != 20 {
		t.Errorf("orders %v, %v, want 20 numbered ones", orders, err)
	}
}

func TestReadiness(t *testing.T) {
	handler, _, catalog := newShop(t)
	if w := do(handler, "GET", "/readyz", ""); w.Code != http.StatusOK {
		t.Errorf("with a catalog: %d %s", w.Code, w.Body)
	}
	catalog.Close()
	if w := do(handler, "GET", "/readyz", ""); w.Code != http.StatusServiceUnavailable {
		t.Errorf("without a catalog: %d %s", w.Code, w.Body)
	}
}
