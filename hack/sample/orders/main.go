// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Orders counts the orders of the shop: POST adds one, GET says how many there are.
package main

import (
	"fmt"
	"log"
	"net/http"
	"sync/atomic"
)

func main() {
	var orders atomic.Int64
	http.HandleFunc("POST /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, orders.Add(1))
	})
	http.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, orders.Load())
	})
	log.Printf("orders listens at :8080")
	log.Fatal(http.ListenAndServe(":8080", nil))
}
