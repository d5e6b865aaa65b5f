// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package port_test

import (
	"errors"
	"net"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"tilt.dev/session/pkg/testing/port"
)

// Whoever is told of a reserved port can listen on it, one at a time and again.
func TestReserve(t *testing.T) {
	reserved, err := port.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	defer reserved.Release()
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(reserved.Number))
	for range 2 {
		if conn, err := net.Dial("tcp", address); !errors.Is(err, unix.ECONNREFUSED) {
			t.Fatalf("somebody listens already: %v, %v", conn, err)
		}
		listener, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := net.Listen("tcp", address); !errors.Is(err, unix.EADDRINUSE) {
			t.Errorf("another one listens as well: %v", err)
		}
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
		_ = listener.Close()
	}
	reserved.Release()
}
