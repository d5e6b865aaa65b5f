// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tilt.dev/session/hack/bench/child"
)

// holdCommand is the argument that has this program hold a file open.
const holdCommand = "hold"

// startHolding starts a process that holds the kubeconfig open, as the prompt of
// a shell or an indexer may, and returns what ends it.
func startHolding(ctx context.Context, dir string) (stop func() error, err error) {
	path := kubeconfig(dir)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		// The first run in dir finds a file without entries.
		if err := os.WriteFile(path, []byte("apiVersion: v1\nkind: Config\n"), 0o600); err != nil {
			return nil, err
		}
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log := filepath.Join(dir, "hold.output")
	holder, err := child.Start(child.Command{Args: []string{program, holdCommand, path}, Dir: dir, Log: log})
	if err != nil {
		return nil, err
	}
	// The process prints a line once it has the file.
	for {
		if info, err := os.Stat(log); err == nil && info.Size() > 0 {
			return holder.Stop, nil
		}
		select {
		case <-holder.Exited():
			return nil, errors.Join(errors.New("the process that holds the kubeconfig has ended"), holder.Err())
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), holder.Stop())
		case <-time.After(time.Millisecond):
		}
	}
}

// hold keeps a file open until ctx is done or the input ends. When another file
// takes its place, it opens that one too.
func hold(ctx context.Context, path string) error {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		_, _ = os.Stdin.Read(make([]byte, 1))
	}()
	ticks := time.NewTicker(5 * time.Millisecond)
	defer ticks.Stop()
	var held *os.File
	var holding os.FileInfo
	for ctx.Err() == nil {
		if info, err := os.Stat(path); err == nil && (held == nil || !os.SameFile(info, holding)) {
			file, err := os.Open(path)
			if err != nil {
				return err
			}
			if holding, err = file.Stat(); err != nil {
				return errors.Join(err, file.Close())
			}
			if held != nil {
				if err := held.Close(); err != nil {
					return errors.Join(err, file.Close())
				}
			} else if _, err := os.Stdout.WriteString("open\n"); err != nil {
				return errors.Join(err, file.Close())
			}
			held = file
		}
		select {
		case <-ctx.Done():
		case <-ticks.C:
		}
	}
	if held == nil {
		return nil
	}
	return held.Close()
}
