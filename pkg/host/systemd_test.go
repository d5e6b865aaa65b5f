// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

func TestSystemd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	listener, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	next := func() string {
		t.Helper()
		if err := listener.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 100)
		n, err := listener.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		return string(buffer[:n])
	}
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "20000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))

	s, err := TakeSystemd()
	if err != nil || s.watchdog != 20*time.Millisecond {
		t.Fatalf("got %+v, %v", s, err)
	}
	for _, key := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} {
		if value, found := os.LookupEnv(key); found {
			t.Errorf("%s is still %s", key, value)
		}
	}
	if err := s.notify("READY=1"); err != nil || next() != "READY=1" {
		t.Errorf("READY=1 didn't arrive: %v", err)
	}

	// No sign of life of something that doesn't answer.
	looks := 0
	ctx, stop := context.WithCancel(t.Context())
	fed := make(chan error)
	go func() {
		fed <- s.feed(ctx, func(context.Context) error {
			if looks++; looks < 3 {
				return errors.New("not now")
			}
			return nil
		})
	}()
	if got := next(); got != "WATCHDOG=1" {
		t.Errorf("got %q", got)
	}
	stop()
	if err := <-fed; err != nil {
		t.Error(err)
	}
	if looks < 3 {
		t.Errorf("a sign of life after %d looks", looks)
	}
}

func TestNoSystemd(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	s, err := TakeSystemd()
	if err != nil || s != (Systemd{}) || s.notify("READY=1") != nil {
		t.Errorf("got %+v, %v", s, err)
	}
}
