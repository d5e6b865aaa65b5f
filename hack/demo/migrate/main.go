// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Command migrate brings the demo's data directory to the newest version. It
// may run as often as one likes.
package main

import (
	"context"
	"flag"
	"os"

	"tilt.dev/session/hack/demo/internal/program"
	"tilt.dev/session/hack/demo/internal/shop"
)

func main() { os.Exit(program.Run("migrate", run)) }

func run(_ context.Context, flags *flag.FlagSet, args []string) error {
	data := flags.String("data", ".data", "data directory")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return migrate(shop.Directory(*data), os.Stdout)
}
