// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Command worker writes invoices for new orders. It serves nothing, and shows
// by a heartbeat file that it works; -check tells whether it does.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"tilt.dev/session/hack/demo/internal/program"
	"tilt.dev/session/hack/demo/internal/shop"
)

const (
	// period is the time between two looks for new orders.
	period = 200 * time.Millisecond
	// maxAge is how old the heartbeat of a working worker may be.
	maxAge = 10 * period
)

func main() { os.Exit(program.Run("worker", run)) }

func run(ctx context.Context, flags *flag.FlagSet, args []string) error {
	data := flags.String("data", ".data", "data directory")
	heartbeat := flags.String("heartbeat", "", "file to write again and again")
	checkOnly := flags.Bool("check", false, "only tell whether a worker writes the file")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *checkOnly {
		return check(*heartbeat, time.Now())
	}
	if err := work(ctx, shop.Directory(*data), *heartbeat); err != nil {
		return err
	}
	return os.Remove(*heartbeat)
}

// check is an error when the heartbeat isn't fresh at now.
func check(heartbeat string, now time.Time) error {
	info, err := os.Stat(heartbeat)
	if err != nil {
		return fmt.Errorf("no heartbeat yet: %w", err)
	}
	age := now.Sub(info.ModTime())
	if age > maxAge {
		return fmt.Errorf("the last heartbeat was %v ago", age.Round(time.Millisecond))
	}
	fmt.Printf("the last heartbeat was %v ago\n", age.Round(time.Millisecond))
	return nil
}

// work writes invoices for the orders that come in from now on, until ctx is
// done.
func work(ctx context.Context, d shop.Directory, heartbeat string) error {
	old, offset, err := shop.ReadOrders(d, 0)
	if err != nil {
		return err
	}
	fmt.Printf("waiting for order %d\n", len(old)+1)
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		orders, next, err := shop.ReadOrders(d, offset)
		if err != nil {
			return err
		}
		for _, order := range orders {
			fmt.Println(invoice(order))
		}
		offset = next
		if err := os.WriteFile(heartbeat, []byte("alive\n"), 0o644); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func invoice(order shop.Order) string {
	return fmt.Sprintf("invoice for order %d: %d x %s = %d.%02d", order.ID, order.Quantity, order.Product, order.Total/100, order.Total%100)
}
