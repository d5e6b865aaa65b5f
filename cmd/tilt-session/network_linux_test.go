// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// mayMakeNetworks is true for a process that the kernel lets make a network.
func mayMakeNetworks() bool {
	status, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(status), "\n") {
		if text, ok := strings.CutPrefix(line, "CapEff:"); ok {
			capabilities, _ := strconv.ParseUint(strings.TrimSpace(text), 16, 64)
			return capabilities&(1<<unix.CAP_SYS_ADMIN) != 0
		}
	}
	return false
}

// withoutIPv4 becomes the program that its arguments name, in a network that has no address but ::1.
func withoutIPv4() {
	runtime.LockOSThread()
	err := unix.Unshare(unix.CLONE_NEWNET)
	if err == nil {
		err = leaveIPv6()
	}
	path, lookErr := exec.LookPath(os.Args[1])
	if err = errors.Join(err, lookErr); err == nil {
		err = syscall.Exec(path, os.Args[1:], os.Environ())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// leaveIPv6 brings the loopback interface up and takes its IPv4 address away.
func leaveIPv6() error {
	loopback, err := net.InterfaceByName("lo")
	if err != nil {
		return err
	}
	index := uint32(loopback.Index)
	up := binary.NativeEndian.AppendUint32(make([]byte, 4), index)
	up = binary.NativeEndian.AppendUint32(up, unix.IFF_UP)
	up = binary.NativeEndian.AppendUint32(up, unix.IFF_UP)
	if err := netlink(unix.RTM_NEWLINK, up); err != nil {
		return fmt.Errorf("bring the loopback interface up: %w", err)
	}
	address := binary.NativeEndian.AppendUint32([]byte{unix.AF_INET, 8, 0, unix.RT_SCOPE_HOST}, index)
	for _, attribute := range []uint16{unix.IFA_LOCAL, unix.IFA_ADDRESS} {
		address = binary.NativeEndian.AppendUint16(address, 8)
		address = binary.NativeEndian.AppendUint16(address, attribute)
		address = append(address, 127, 0, 0, 1)
	}
	if err := netlink(unix.RTM_DELADDR, address); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
		return fmt.Errorf("remove 127.0.0.1: %w", err)
	}
	return nil
}

// netlink has the kernel do what a message says.
func netlink(kind uint16, body []byte) error {
	socket, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	message := binary.NativeEndian.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(body)))
	message = binary.NativeEndian.AppendUint16(message, kind)
	message = binary.NativeEndian.AppendUint16(message, unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	message = append(message, make([]byte, 8)...)
	message = append(message, body...)
	if err := unix.Sendto(socket, message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(socket, answer, 0)
	if err != nil {
		return err
	}
	if n < unix.SizeofNlMsghdr+4 || binary.NativeEndian.Uint16(answer[4:]) != unix.NLMSG_ERROR {
		return errors.New("the kernel hasn't answered whether it's done")
	}
	if code := int32(binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:])); code != 0 {
		return syscall.Errno(-code)
	}
	return nil
}
