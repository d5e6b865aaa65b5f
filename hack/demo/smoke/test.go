// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"tilt.dev/session/hack/demo/internal/shop"
)

// test looks at all products, buys each, and tries to buy what isn't there. The
// first surprise ends it.
func test(ctx context.Context, client *shop.Client, want int, out io.Writer) error {
	products, err := client.Products(ctx)
	if err != nil {
		return err
	}
	if len(products) != want {
		return fmt.Errorf("the catalog has %d products, want %d", len(products), want)
	}
	report := func(format string, values ...any) error {
		_, err := fmt.Fprintf(out, "ok  "+format+"\n", values...)
		return err
	}
	if err := report("the catalog has %d products", len(products)); err != nil {
		return err
	}
	for i, product := range products {
		quantity := i + 1
		order, err := client.Buy(ctx, product.ID, quantity)
		if err != nil {
			return err
		}
		if total := product.Price * shop.Cents(quantity); order.Total != total {
			return fmt.Errorf("order %d: %d of %s cost %d, want %d", order.ID, quantity, product.ID, order.Total, total)
		}
		if err := report("order %d: %d x %s", order.ID, quantity, product.Name); err != nil {
			return err
		}
	}
	_, err = client.Buy(ctx, "nothing", 1)
	if status := new(shop.StatusError); !errors.As(err, &status) || status.Code != http.StatusUnprocessableEntity {
		return fmt.Errorf("buying nothing: %w, want status %d", err, http.StatusUnprocessableEntity)
	}
	return report("what isn't there isn't sold")
}
