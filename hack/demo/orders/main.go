// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Command orders sells the demo's products. It asks the catalog for prices.
package main

import (
	"context"
	"flag"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"tilt.dev/session/hack/demo/internal/program"
	"tilt.dev/session/hack/demo/internal/server"
	"tilt.dev/session/hack/demo/internal/shop"
)

func main() {
	log.SetFlags(0)
	os.Exit(program.Run("orders", run))
}

func run(ctx context.Context, flags *flag.FlagSet, args []string) error {
	address := flags.String("listen", "127.0.0.1:0", "address to listen on")
	catalog := flags.String("catalog", "", "URL of the catalog")
	data := flags.String("data", ".data", "data directory")
	if err := flags.Parse(args); err != nil {
		return err
	}
	book, err := openBook(shop.Directory(*data))
	if err != nil {
		return err
	}
	log.Printf("revision %s has %d orders", os.Getenv("REVISION"), book.count)
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		return err
	}
	client := &shop.Client{HTTP: &http.Client{Timeout: time.Second}, Catalog: *catalog}
	return server.Run(ctx, listener, newHandler(book, client))
}
