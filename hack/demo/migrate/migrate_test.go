// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tilt.dev/session/hack/demo/internal/shop"
)

func TestMigrate(t *testing.T) {
	d := shop.Directory(filepath.Join(t.TempDir(), "data"))
	var out bytes.Buffer
	if err := migrate(d, &out); err != nil {
		t.Fatal(err)
	}
	if want := "version 1: create the products\nversion 2: create the orders\nthe data is at version 2\n"; out.String() != want {
		t.Errorf("printed %q, want %q", out.String(), want)
	}
	products, err := shop.ReadProducts(d)
	if err != nil || len(products) != strings.Count(productsCSV, "\n")-1 {
		t.Errorf("%d products, %v", len(products), err)
	}

	// Nothing is done twice.
	if err := shop.AppendOrder(d, shop.Order{ID: 1}); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if err := migrate(d, &out); err != nil || out.String() != "the data is at version 2\n" {
		t.Errorf("printed %q, %v", out.String(), err)
	}
	if orders, _, err := shop.ReadOrders(d, 0); err != nil || len(orders) != 1 {
		t.Errorf("orders %v, %v, want the one from before", orders, err)
	}
}

func TestMigrateFromTheMiddle(t *testing.T) {
	d := shop.Directory(t.TempDir())
	if err := os.WriteFile(d.Version(), []byte("1"), 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := migrate(d, &out); err != nil || !strings.HasPrefix(out.String(), "version 2:") {
		t.Errorf("printed %q, %v", out.String(), err)
	}
}

func TestVersionsThatAreRefused(t *testing.T) {
	for _, version := range []string{"99", "-1", "new"} {
		d := shop.Directory(t.TempDir())
		if err := os.WriteFile(d.Version(), []byte(version), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := migrate(d, io.Discard); err == nil || !strings.Contains(err.Error(), string(d)) {
			t.Errorf("version %s: %v, want an error that names the place", version, err)
		}
	}
}
