// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

const (
	// serverMode as the first argument makes this program a server of a Tiltfile.
	serverMode = "serve"
	// serverVariable is how a Tiltfile finds this program, portsVariable the
	// directory in which servers note their ports.
	serverVariable = "SOAK_SERVER"
	portsVariable  = "SOAK_PORTS"
)

// serve listens on a port, notes which, tells who connects in which directory that is,
// and goes on until that fails. A stubborn server ignores what asks it to end.
func serve(args []string) error {
	if slices.Contains(args, "-stubborn") {
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	}
	ports := os.Getenv(portsVariable)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	if err := os.WriteFile(filepath.Join(ports, port), nil, 0o600); err != nil {
		return err
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		_, _ = io.WriteString(conn, ports) // whoever has gone doesn't want to know
		_ = conn.Close()
	}
}
