// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"net"
	"os"
	"slices"
	"time"

	"github.com/jonboulle/clockwork"
	"k8s.io/apimachinery/pkg/util/validation"
	genericapiserver "k8s.io/apiserver/pkg/server"

	"tilt.dev/session/pkg/certs"
)

const (
	// authorityLifetime is longer than a server runs: what verifies it, such as the
	// entry in the kubeconfig of its owner, is valid as long as it does. One that's
	// kept is renewed at a start in the second half of it.
	authorityLifetime   = 10 * 365 * 24 * time.Hour
	certificateLifetime = 365 * 24 * time.Hour
	// ownerServerName is the name by which the owner of a server asks for the
	// certificate that the server has made itself, where others get one of a file.
	// The former mustn't be good for any other name, or others would get it too.
	ownerServerName = "tilt-session"
	// loopbackServerName is the name by which the server's own clients do so.
	loopbackServerName = genericapiserver.LoopbackClientServerNameOverride
)

// selfMade are certificates that a server proves its identity with and renews
// before they expire. Nothing else is signed by their authority, whose key leaves
// the memory of this process for nothing but the file in which it's kept.
type selfMade struct {
	// authority is the bundle by which clients verify the server, in PEM.
	authority []byte
	// serving is for clients that address the server by what it's served for.
	serving *renewed
	// loopback is for the server's own clients.
	loopback *renewed
}

// newSelfMade returns certificates for a server that its clients know as a subject.
func newSelfMade(authority *certs.Authority, served certs.Subject, clock clockwork.Clock) (*selfMade, error) {
	serving, err := newRenewed(served.Names[0], served, authority, clock)
	if err != nil {
		return nil, fmt.Errorf("creating the serving certificate: %w", err)
	}
	loopback, err := newRenewed(loopbackServerName, certs.Subject{Names: []string{loopbackServerName}}, authority, clock)
	if err != nil {
		return nil, fmt.Errorf("creating the loopback certificate: %w", err)
	}
	return &selfMade{
		authority: authority.Bundle(),
		serving:   serving,
		loopback:  loopback,
	}, nil
}

// machineAt is what a server is known as that is bound to an address: everything
// that this machine is, if that says any.
func machineAt(bound net.IP) certs.Subject {
	s := certs.Subject{
		Names:     []string{"localhost"},
		Addresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	add := func(address net.IP) {
		if address != nil && !slices.ContainsFunc(s.Addresses, address.Equal) {
			s.Addresses = append(s.Addresses, address)
		}
	}
	if bound == nil || !bound.IsUnspecified() {
		add(bound)
		return s
	}
	// A machine that doesn't know its name or addresses is reached by the others.
	if name, err := os.Hostname(); err == nil && len(validation.IsDNS1123Subdomain(name)) == 0 {
		s.Names = append(s.Names, name)
	}
	interfaces, _ := net.InterfaceAddrs()
	for _, address := range interfaces {
		if network, ok := address.(*net.IPNet); ok && !network.IP.IsLinkLocalUnicast() {
			add(network.IP)
		}
	}
	return s
}
