// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"sync"

	"tilt.dev/session/hack/demo/internal/shop"
)

// book is where orders are written. It may be used concurrently.
type book struct {
	directory shop.Directory
	mutex     sync.Mutex
	count     int
}

// openBook goes on with the orders in a directory, whose only writer it is.
func openBook(d shop.Directory) (*book, error) {
	orders, _, err := shop.ReadOrders(d, 0)
	if err != nil {
		return nil, err
	}
	return &book{directory: d, count: len(orders)}, nil
}

// add writes an order and returns it with its number.
func (b *book) add(order shop.Order) (shop.Order, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	order.ID = b.count + 1
	if err := shop.AppendOrder(b.directory, order); err != nil {
		return shop.Order{}, err
	}
	b.count++
	return order, nil
}
