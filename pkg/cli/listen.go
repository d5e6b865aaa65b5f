// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"tilt.dev/session/pkg/apiserver"
)

// loopbacks are where a server listens that only this machine reaches: at the
// first of them that the machine has.
var loopbacks = []string{"127.0.0.1", "::1"}

// localhostTimeout is how long a name server may take to say where localhost is,
// which it's asked only where no file says so.
const localhostTimeout = time.Second

// lookup returns the addresses that a name leads clients to.
func lookup(name string) ([]netip.Addr, error) {
	ctx := context.Background()
	if isLocalhost(name) {
		bounded, cancel := context.WithTimeout(ctx, localhostTimeout)
		defer cancel()
		ctx = bounded
	}
	return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
}

// resolve returns the addresses to listen on for a host, of which the first is
// taken that this machine has, and whether clients find them by the host.
func resolve(host string, lookup func(name string) ([]netip.Addr, error)) (addresses []string, found func(address string) bool, err error) {
	if ip := net.ParseIP(host); ip != nil {
		return []string{ip.String()}, func(string) bool { return true }, nil
	}
	known, err := lookup(host)
	addresses = inOrder(known)
	found = func(address string) bool { return slices.Contains(inOrder(known), address) }
	switch {
	case isLocalhost(host):
		return localhostOf(known), found, nil
	case err != nil:
		return nil, nil, err
	case len(addresses) == 0:
		return nil, nil, errors.New("its addresses are of one network interface only")
	}
	return addresses, found, nil
}

func isLocalhost(name string) bool {
	return strings.EqualFold(strings.TrimSuffix(name, "."), defaultHost)
}

// localhostOf returns the loopback addresses in the order in which they're tried.
// That of IPv4 goes first, unless localhost is known to be of IPv6 alone.
func localhostOf(known []netip.Addr) []string {
	addresses := slices.Clone(loopbacks)
	if len(known) > 0 && !slices.ContainsFunc(known, func(a netip.Addr) bool { return a.Unmap().Is4() }) {
		slices.Reverse(addresses)
	}
	return addresses
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

// listenOn takes the first of some addresses that this machine has. While another
// process has the port of that one, no other is taken.
func listenOn(addresses []string, options *apiserver.Options) (*apiserver.Config, error) {
	var errs []error
	for _, address := range addresses {
		options.BindAddress = address
		config, err := options.Config()
		if !errors.Is(err, syscall.EADDRNOTAVAIL) && !errors.Is(err, syscall.EAFNOSUPPORT) {
			return config, err
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("%w: this machine has none of the addresses %s: %w", errNotHere, strings.Join(addresses, ", "), errs[0])
}

// errNotHere is the error of addresses that this machine doesn't have.
var errNotHere = errors.New("cannot listen")
