// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package shop holds what the demo's programs have in common: products, orders,
// and the data directory they are kept in.
//
// The directory holds products.json, a list that only migrations change;
// orders.jsonl, one order a line, which only grows; and version, the number of
// the last migration.
package shop

import "path/filepath"

// Cents is an amount of money.
type Cents int

// Product is something to buy.
type Product struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Price Cents  `json:"price"`
}

// Order is a sale.
type Order struct {
	// ID counts from 1.
	ID       int    `json:"id"`
	Product  string `json:"product"`
	Quantity int    `json:"quantity"`
	Total    Cents  `json:"total"`
}

// Directory is the path of the data directory.
type Directory string

// Products is the path of the products.
func (d Directory) Products() string { return filepath.Join(string(d), "products.json") }

// Orders is the path of the orders.
func (d Directory) Orders() string { return filepath.Join(string(d), "orders.jsonl") }

// Version is the path of the version.
func (d Directory) Version() string { return filepath.Join(string(d), "version") }
