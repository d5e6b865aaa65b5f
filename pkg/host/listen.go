// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"tilt.dev/session/pkg/apiserver"
)

// localhost is the name under which commands find the server if it listens there.
const localhost = "localhost"

// localhostTimeout is how long a name server may take to answer where localhost is.
// It's only asked where no file says so.
const localhostTimeout = time.Second

// Address is where a server listens.
type Address struct {
	// Candidates are IP addresses, of which the server takes the first that this machine has.
	Candidates []string
	// Host returns the name under which commands reach the server at an address.
	Host func(address string) string
}

// Loopback is where only this machine reaches a server.
func Loopback() Address { return At("127.0.0.1", "::1") }

// At is one of some IP addresses. Commands reach the server by localhost.
func At(addresses ...string) Address {
	return Address{addresses, func(address string) string {
		if address == "::1" {
			return address // The name localhost need not lead there.
		}
		return localhost
	}}
}

// Resolve returns the address that a host name or an IP address names. Commands
// reach the server by that name where they can.
func Resolve(host string) (Address, error) {
	return resolve(host, func(name string) ([]netip.Addr, error) {
		ctx := context.Background()
		if isLocalhost(name) {
			bounded, cancel := context.WithTimeout(ctx, localhostTimeout)
			defer cancel()
			ctx = bounded
		}
		return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	})
}

func resolve(host string, lookup func(name string) ([]netip.Addr, error)) (Address, error) {
	if ip := net.ParseIP(host); ip != nil {
		return Address{[]string{ip.String()}, func(string) string { return host }}, nil
	}
	known, err := lookup(host)
	addresses := inOrder(known)
	a := Address{addresses, func(address string) string {
		if slices.Contains(addresses, address) {
			return host
		}
		return address
	}}
	switch {
	case isLocalhost(host):
		a.Candidates = Loopback().Candidates
		if len(known) > 0 && !slices.ContainsFunc(known, func(a netip.Addr) bool { return a.Unmap().Is4() }) {
			slices.Reverse(a.Candidates)
		}
	case err != nil:
		return a, err
	case len(addresses) == 0:
		return a, errors.New("its addresses are of one network interface only")
	}
	return a, nil
}

func isLocalhost(name string) bool {
	return strings.EqualFold(strings.TrimSuffix(name, "."), localhost)
}

// inOrder returns the addresses that a server can listen on, those of IPv4 first.
func inOrder(known []netip.Addr) []string {
	var addresses []string
	for _, address := range slices.SortedStableFunc(slices.Values(known), func(a, b netip.Addr) int {
		return cmp.Compare(a.Unmap().BitLen(), b.Unmap().BitLen())
	}) {
		if text := address.Unmap().String(); address.Zone() == "" && !slices.Contains(addresses, text) {
			addresses = append(addresses, text)
		}
	}
	return addresses
}

// listenOn listens on the first address that this machine has. While another
// process has the port of that one, no other is taken.
func (a *API) listenOn() (*apiserver.Config, error) {
	var first error
	for _, address := range a.Address.Candidates {
		a.Server.BindAddress = address
		config, err := a.Server.Config()
		switch {
		case errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EAFNOSUPPORT):
			if first == nil {
				first = err
			}
			continue
		case errors.Is(err, syscall.EADDRINUSE):
			return nil, fmt.Errorf("port %d is in use by another process; end it, or choose another port with %s: %w",
				a.Server.Port, a.PortFlag, err)
		case errors.Is(err, fs.ErrPermission):
			return nil, fmt.Errorf("%s %d: %w (ports below 1024 require privileges)", a.PortFlag, a.Server.Port, err)
		case err != nil:
			return nil, fmt.Errorf("set up the API server: %w", err)
		}
		return config, nil
	}
	return nil, fmt.Errorf("%s: this machine has none of the addresses %s: %w",
		a.AddressFlag, strings.Join(a.Address.Candidates, ", "), first)
}
