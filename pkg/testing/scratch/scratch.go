// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package scratch runs a real API server of Sessions for as long as a function lasts, for programs and for tests
// that have no testing.TB, such as examples. What is written to it is gone afterwards.
package scratch

import (
	"context"
	"errors"
	"fmt"

	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/storage"
)

// Run calls use once a server is ready: over memory storage, on a free port of the loopback interface. When use has
// returned it stops the server and waits for it. The context that use is given ends with the server. The error is
// that of use, joined with what went wrong around it.
func Run(ctx context.Context, use func(context.Context, *apiserver.Server) error) (err error) {
	codec, err := apiserver.StorageCodec()
	if err != nil {
		return err
	}
	backend, err := storage.NewMemory(storage.Config{Codec: codec})
	if err != nil {
		return fmt.Errorf("opening the storage: %w", err)
	}
	defer func() { err = errors.Join(err, backend.Close()) }()
	server, err := build(backend)
	if err != nil {
		return err
	}

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	result := make(chan error, 1)
	go func() {
		defer stop()
		result <- server.Run(ctx)
	}()
	select {
	case <-server.Ready():
	case <-ctx.Done():
		return errors.Join(ctx.Err(), <-result)
	}
	err = use(ctx, server)
	stop()
	return errors.Join(err, <-result)
}

func build(backend *storage.Backend) (*apiserver.Server, error) {
	options := apiserver.NewOptions()
	options.Storage = backend
	options.UI, options.Runners = NoUI{}, true
	config, err := options.Config()
	if err != nil {
		return nil, fmt.Errorf("configuring the server: %w", err)
	}
	return config.Complete().New()
}
