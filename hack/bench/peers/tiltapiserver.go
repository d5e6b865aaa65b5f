// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"io"
	"net"

	"github.com/tilt-dev/tilt-apiserver/pkg/server/builder"

	"tilt.dev/session/pkg/generated/openapi"
	"tilt.dev/session/pkg/tiltapiserver"
)

// serveTiltAPIServer serves Sessions as tilt-apiserver's builder has it, from
// its storage in memory.
func serveTiltAPIServer(ctx context.Context, dir string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	options, err := builder.NewServerBuilder().
		WithResourceMemoryStorage(&tiltapiserver.Session{}, "data").
		WithOpenAPIDefinitions("tilt", "v0.0.0", openapi.GetOpenAPIDefinitions).
		WithOutputWriter(io.Discard).
		WithBearerToken("bench").
		WithBindPort(listener.Addr().(*net.TCPAddr).Port).
		ToServerOptions()
	if err != nil {
		return err
	}
	options.ServingOptions.Listener = listener
	config, err := options.Config()
	if err != nil {
		return err
	}
	stopped, err := options.RunTiltServerFromConfig(config.Complete(), ctx)
	if err != nil {
		return err
	}
	if err := publish(dir, config.GenericConfig.LoopbackClientConfig); err != nil {
		return err
	}
	<-stopped
	return nil
}
