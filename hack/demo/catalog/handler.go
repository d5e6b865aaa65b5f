// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"slices"

	"tilt.dev/session/hack/demo/internal/server"
	"tilt.dev/session/hack/demo/internal/shop"
)

// newHandler serves the list of products and each of them.
func newHandler(products []shop.Product) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /products", func(w http.ResponseWriter, _ *http.Request) {
		server.Reply(w, http.StatusOK, products)
	})
	mux.HandleFunc("GET /products/{id}", func(w http.ResponseWriter, r *http.Request) {
		i := slices.IndexFunc(products, func(p shop.Product) bool { return p.ID == r.PathValue("id") })
		if i < 0 {
			http.Error(w, "no such product", http.StatusNotFound)
			return
		}
		server.Reply(w, http.StatusOK, products[i])
	})
	return mux
}
