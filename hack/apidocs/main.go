// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// The apidocs command writes what is published about the API into a directory,
// as a real server describes itself that it runs for that purpose:
//
//	openapi-spec/v2.json     the OpenAPI v2 document
//	openapi-spec/v3/*.json   the OpenAPI v3 documents, one a root path
//	reference.md             types and operations of the group, for people
//
// Everything else in the directory stays as it is, but for documents that the
// server doesn't serve any more.
package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
)

func main() {
	directory := flag.String("directory", "api", "where to write")
	flag.Parse()
	// What the server logs of its own coming and going is of no interest here.
	klog.SetLogger(logr.Discard())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *directory); err != nil {
		fmt.Fprintln(os.Stderr, "apidocs:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, directory string) error {
	documents, err := generate(ctx)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(directory, specDirectory)); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(documents)) {
		path := filepath.Join(directory, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, documents[name], 0o644); err != nil {
			return err
		}
	}
	return nil
}
