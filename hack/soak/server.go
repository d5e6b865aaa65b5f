// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"fmt"
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
// and never returns. A stubborn server ignores what asks it to end.
func serve(args []string) {
	if slices.Contains(args, "-stubborn") {
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	}
	ports := os.Getenv(portsVariable)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
		err = os.WriteFile(filepath.Join(ports, port), nil, 0o600)
	}
	for err == nil {
		var conn net.Conn
		if conn, err = l.Accept(); err == nil {
			_, _ = io.WriteString(conn, ports)
			_ = conn.Close()
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
