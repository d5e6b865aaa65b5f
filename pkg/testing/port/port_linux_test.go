// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package port_test

import (
	"fmt"
	"net"
	"testing"

	"tilt.dev/session/pkg/testing/port"
)

// The system gives a reserved port to nobody who asks for any, though it gives out so
// many that it would be its turn.
func TestReservedIsNotGivenOut(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	const most = 500
	reserved := map[string]bool{}
	for range most {
		r, err := port.Reserve()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Release()
		reserved[fmt.Sprintf("127.0.0.1:%d", r.Number)] = true
	}
	if len(reserved) != most {
		t.Errorf("%d ports were reserved %d times", len(reserved), most)
	}
	for range 20 * most {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := listener.Addr().String()
		_ = listener.Close()
		if reserved[address] {
			t.Fatalf("%s was given to who listens", address)
		}
	}
	for range 2 * most {
		conn, err := net.Dial("tcp", server.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		address := conn.LocalAddr().String()
		// Without the time for which the system keeps an address that was used.
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
		if reserved[address] {
			t.Fatalf("%s was given to who connects", address)
		}
	}
}
