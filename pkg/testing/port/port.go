// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package port reserves TCP ports of the loopback interface for programs that tests start.
//
// The system may give a port that a test has found and closed to any process, before the program listens on it or
// while the program is down. On Linux this package keeps the port bound without listening on it: the system doesn't
// choose it for others, and a program that reuses addresses, as Go programs do, can listen on it. On other systems
// the port is closed again.
package port

import (
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Reserved is a port on which nobody listens but who is told of it.
type Reserved struct {
	// Number is the port.
	Number int
	socket int
}

// Reserve returns a port that's free for as long as it isn't released.
func Reserve() (*Reserved, error) {
	syscall.ForkLock.RLock() // no process that's started meanwhile has it
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(socket)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, fmt.Errorf("reserve a port: %w", os.NewSyscallError("socket", err))
	}
	r := &Reserved{socket: socket}
	if err := r.bind(); err != nil {
		r.Release()
		return nil, fmt.Errorf("reserve a port: %w", err)
	}
	if runtime.GOOS != "linux" {
		r.Release()
	}
	return r, nil
}

func (r *Reserved) bind() error {
	if err := unix.SetsockoptInt(r.socket, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	if err := unix.Bind(r.socket, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return os.NewSyscallError("bind", err)
	}
	name, err := unix.Getsockname(r.socket)
	if err != nil {
		return os.NewSyscallError("getsockname", err)
	}
	r.Number = name.(*unix.SockaddrInet4).Port
	return nil
}

// Release gives the port back. It may be called again.
func (r *Reserved) Release() {
	if r.socket >= 0 {
		_ = unix.Close(r.socket)
		r.socket = -1
	}
}
