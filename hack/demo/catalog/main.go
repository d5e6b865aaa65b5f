// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Command catalog serves the demo's products.
package main

import (
	"context"
	"flag"
	"log"
	"net"
	"os"

	"tilt.dev/session/hack/demo/internal/program"
	"tilt.dev/session/hack/demo/internal/server"
	"tilt.dev/session/hack/demo/internal/shop"
)

func main() {
	log.SetFlags(0)
	os.Exit(program.Run("catalog", run))
}

// run listens only once the products are there, so that whoever can connect
// gets them.
func run(ctx context.Context, flags *flag.FlagSet, args []string) error {
	address := flags.String("listen", "127.0.0.1:0", "address to listen on")
	data := flags.String("data", ".data", "data directory")
	if err := flags.Parse(args); err != nil {
		return err
	}
	products, err := shop.ReadProducts(shop.Directory(*data))
	if err != nil {
		return err
	}
	log.Printf("revision %s sells %d products", os.Getenv("REVISION"), len(products))
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		return err
	}
	return server.Run(ctx, listener, newHandler(products))
}
