// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tilt.dev/session/hack/demo/internal/shop"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCheck(t *testing.T) {
	heartbeat := filepath.Join(t.TempDir(), "heartbeat")
	if err := check(heartbeat, time.Now()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a heartbeat: %v", err)
	}
	if err := os.WriteFile(heartbeat, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	beat := time.Unix(1_000_000, 0)
	if err := os.Chtimes(heartbeat, beat, beat); err != nil {
		t.Fatal(err)
	}
	if err := check(heartbeat, beat.Add(maxAge)); err != nil {
		t.Errorf("fresh: %v", err)
	}
	if err := check(heartbeat, beat.Add(maxAge+1)); err == nil {
		t.Error("stale: no error")
	}
}

func TestWorkBeatsAtOnce(t *testing.T) {
	directory := shop.Directory(t.TempDir())
	heartbeat := filepath.Join(string(directory), "heartbeat")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := work(ctx, directory, heartbeat); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without orders: %v", err)
	}
	if err := shop.Replace(directory.Orders(), nil); err != nil {
		t.Fatal(err)
	}
	if err := work(ctx, directory, heartbeat); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(heartbeat); err != nil {
		t.Error(err)
	}
}

func TestInvoice(t *testing.T) {
	got := invoice(shop.Order{ID: 7, Product: "pot", Quantity: 2, Total: 5905})
	if want := "invoice for order 7: 2 x pot = 59.05"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
