// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	_ "embed"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"tilt.dev/session/hack/demo/internal/shop"
)

// productsCSV are the products that a new shop sells, below a line of titles.
//
//go:embed products.csv
var productsCSV string

// migrations lead from one version of the data to the next. The first leads
// from nothing to version 1. Each may be cut short and run again.
var migrations = []struct {
	title string
	apply func(shop.Directory) error
}{
	{"create the products", createProducts},
	{"create the orders", createOrders},
}

// migrate applies the migrations that are missing and reports each.
func migrate(d shop.Directory, out io.Writer) error {
	if err := os.MkdirAll(string(d), 0o755); err != nil {
		return err
	}
	version, err := readVersion(d)
	if err != nil {
		return err
	}
	if version > len(migrations) {
		return fmt.Errorf("the data has version %d, this program knows %d: delete %s to start anew", version, len(migrations), d)
	}
	for version < len(migrations) {
		next := migrations[version]
		if err := next.apply(d); err != nil {
			return fmt.Errorf("%s: %w", next.title, err)
		}
		version++
		if err := shop.Replace(d.Version(), []byte(strconv.Itoa(version))); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "version %d: %s\n", version, next.title); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(out, "the data is at version %d\n", version)
	return err
}

func readVersion(d shop.Directory) (int, error) {
	text, err := os.ReadFile(d.Version())
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	version, err := strconv.Atoi(string(text))
	if err != nil || version < 0 {
		return 0, fmt.Errorf("%s holds %q, not a version", d.Version(), text)
	}
	return version, nil
}

func createProducts(d shop.Directory) error {
	rows, err := csv.NewReader(strings.NewReader(productsCSV)).ReadAll()
	if err != nil {
		return err
	}
	var products []shop.Product
	for _, row := range rows[1:] {
		price, err := strconv.Atoi(row[2])
		if err != nil {
			return fmt.Errorf("price of %s: %w", row[0], err)
		}
		products = append(products, shop.Product{ID: row[0], Name: row[1], Price: shop.Cents(price)})
	}
	data, err := json.MarshalIndent(products, "", "  ")
	if err != nil {
		return err
	}
	return shop.Replace(d.Products(), data)
}

func createOrders(d shop.Directory) error { return shop.Replace(d.Orders(), nil) }
