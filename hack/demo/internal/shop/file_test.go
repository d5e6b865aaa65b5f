// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package shop

import (
	"os"
	"slices"
	"testing"
)

func TestOrders(t *testing.T) {
	d := Directory(t.TempDir())
	if _, _, err := ReadOrders(d, 0); !os.IsNotExist(err) {
		t.Errorf("without a file: %v", err)
	}
	if err := Replace(d.Orders(), nil); err != nil {
		t.Fatal(err)
	}
	want := []Order{{ID: 1, Product: "cup", Quantity: 2, Total: 10}, {ID: 2, Product: "pot", Quantity: 1, Total: 30}}
	offset := 0
	for _, order := range want {
		if err := AppendOrder(d, order); err != nil {
			t.Fatal(err)
		}
		var got []Order
		var err error
		got, offset, err = ReadOrders(d, offset)
		if err != nil || !slices.Equal(got, []Order{order}) {
			t.Errorf("got %v, %v, want the order just added", got, err)
		}
	}
	if all, _, err := ReadOrders(d, 0); err != nil || !slices.Equal(all, want) {
		t.Errorf("got %v, %v, want %v", all, err, want)
	}
}

func TestOrdersThatAreNotComplete(t *testing.T) {
	d := Directory(t.TempDir())
	if err := Replace(d.Orders(), []byte("{\"id\":1}\n{\"id\"")); err != nil {
		t.Fatal(err)
	}
	orders, offset, err := ReadOrders(d, 0)
	if err != nil || len(orders) != 1 || offset != 9 {
		t.Errorf("got %v, offset %d, %v; want the first line", orders, offset, err)
	}
	if err := Replace(d.Orders(), []byte("no order\n")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ReadOrders(d, 0); err == nil {
		t.Error("no error for what isn't an order")
	}
}
