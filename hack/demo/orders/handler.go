// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"

	"tilt.dev/session/hack/demo/internal/server"
	"tilt.dev/session/hack/demo/internal/shop"
)

// newHandler takes orders at /orders, and tells at /readyz whether it can.
func newHandler(book *book, catalog *shop.Client) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if _, err := catalog.Products(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		server.Reply(w, http.StatusOK, "ok")
	})
	mux.HandleFunc("POST /orders", func(w http.ResponseWriter, r *http.Request) {
		order, err := readOrder(w, r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		product, err := catalog.Product(r.Context(), order.Product)
		if status := new(shop.StatusError); errors.As(err, &status) && status.Code == http.StatusNotFound {
			http.Error(w, status.Text, http.StatusUnprocessableEntity)
			return
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		order.Total = product.Price * shop.Cents(order.Quantity)
		order, err = book.add(order)
		if err != nil {
			log.Printf("write an order: %v", err)
			http.Error(w, "the order can't be written", http.StatusInternalServerError)
			return
		}
		server.Reply(w, http.StatusCreated, order)
	})
	return mux
}

// readOrder is what the customer asks for; number and total come later.
func readOrder(w http.ResponseWriter, r *http.Request) (shop.Order, error) {
	var order shop.Order
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&order); err != nil {
		return shop.Order{}, fmt.Errorf("not an order: %w", err)
	}
	if order.Quantity < 1 || order.Quantity > 100 {
		return shop.Order{}, errors.New("the quantity is from 1 to 100")
	}
	return order, nil
}
