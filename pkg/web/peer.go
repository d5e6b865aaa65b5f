// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// anyUser is the user ID of a code that isn't bound to a user of this machine.
const anyUser = -1

// ClientUser returns the user ID of the process on this machine that has made a request, or -1 if that is unknown: the
// client is on another machine, or the system isn't Linux.
func ClientUser(r *http.Request) int {
	server, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return anyUser
	}
	local, noLocal := netip.ParseAddrPort(r.RemoteAddr) // the client's side of the connection
	remote, noRemote := netip.ParseAddrPort(server.String())
	if noLocal != nil || noRemote != nil {
		return anyUser
	}
	// A client may have an IPv6 socket for a connection of IPv4.
	if user := socketUser("/proc/net/tcp", shortForm(local), shortForm(remote)); user != anyUser {
		return user
	}
	return socketUser("/proc/net/tcp6", longForm(local), longForm(remote))
}

// socketUser returns the user ID of a socket in a table of the kernel: see proc_net_tcp in the kernel's documentation.
func socketUser(table, local, remote string) int {
	file, err := os.Open(table)
	if err != nil {
		return anyUser
	}
	defer func() { _ = file.Close() }()
	const localField, remoteField, userField = 1, 2, 7
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) > userField && fields[localField] == local && fields[remoteField] == remote {
			if user, err := strconv.Atoi(fields[userField]); err == nil {
				return user
			}
		}
	}
	return anyUser
}

// shortForm and longForm return an address as the kernel prints that of an IPv4 and of an IPv6 socket.
func shortForm(a netip.AddrPort) string { return kernelForm(a.Addr().Unmap().AsSlice(), a.Port()) }

func longForm(a netip.AddrPort) string {
	address := a.Addr().As16()
	return kernelForm(address[:], a.Port())
}

// kernelForm prints an address in words of the machine's byte order.
func kernelForm(address []byte, port uint16) string {
	var text strings.Builder
	for ; len(address) >= 4; address = address[4:] {
		fmt.Fprintf(&text, "%08X", binary.NativeEndian.Uint32(address))
	}
	fmt.Fprintf(&text, ":%04X", port)
	return text.String()
}
