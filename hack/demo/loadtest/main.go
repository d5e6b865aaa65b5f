// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Command loadtest places many orders at once and tells how long it took.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"time"

	"tilt.dev/session/hack/demo/internal/program"
	"tilt.dev/session/hack/demo/internal/shop"
)

func main() { os.Exit(program.Run("loadtest", run)) }

func run(ctx context.Context, flags *flag.FlagSet, args []string) error {
	client := &shop.Client{HTTP: &http.Client{Timeout: 5 * time.Second}}
	flags.StringVar(&client.Orders, "orders", "", "URL of the orders")
	product := flags.String("product", "cup", "product to buy")
	customers := flags.Int("customers", 4, "number of customers at once")
	each := flags.Int("each", 50, "number of orders of each customer")
	if err := flags.Parse(args); err != nil {
		return err
	}
	start := time.Now()
	results := make(chan error, *customers)
	for range *customers {
		go func() { results <- buy(ctx, client, *product, *each) }()
	}
	var err error
	for range *customers {
		err = errors.Join(err, <-results)
	}
	if err != nil {
		return err
	}
	took, orders := time.Since(start), *customers**each
	fmt.Printf("%d orders in %v, %.0f a second\n", orders, took.Round(time.Millisecond), float64(orders)/took.Seconds())
	return nil
}

// buy is one customer, who stops at the first order that isn't taken.
func buy(ctx context.Context, client *shop.Client, product string, times int) error {
	for range times {
		if _, err := client.Buy(ctx, product, 1); err != nil {
			return err
		}
	}
	return nil
}
