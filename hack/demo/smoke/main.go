// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Command smoke tests a running shop as a customer would use it.
package main

import (
	"context"
	"flag"
	"net/http"
	"os"
	"time"

	"tilt.dev/session/hack/demo/internal/program"
	"tilt.dev/session/hack/demo/internal/shop"
)

func main() { os.Exit(program.Run("smoke", run)) }

func run(ctx context.Context, flags *flag.FlagSet, args []string) error {
	client := &shop.Client{HTTP: &http.Client{Timeout: 5 * time.Second}}
	flags.StringVar(&client.Catalog, "catalog", "", "URL of the catalog")
	flags.StringVar(&client.Orders, "orders", "", "URL of the orders")
	products := flags.Int("products", 1, "number of products that are for sale")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return test(ctx, client, *products, os.Stdout)
}
