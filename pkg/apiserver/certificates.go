// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"slices"
	"time"

	"github.com/jonboulle/clockwork"
	"k8s.io/apimachinery/pkg/util/validation"
	genericapiserver "k8s.io/apiserver/pkg/server"
)

const (
	// authorityLifetime is longer than a server runs: what verifies it, such as the
	// entry in the kubeconfig of its owner, is valid as long as it does. One that's
	// kept is renewed at a start in the second half of it.
	authorityLifetime   = 10 * 365 * 24 * time.Hour
	certificateLifetime = 365 * 24 * time.Hour
	// clockSkew is how far behind the clock of a client may be.
	clockSkew = 5 * time.Minute
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

// keyPair is a certificate with its private key, in PEM.
type keyPair struct{ certificate, key []byte }

// newSelfMade returns certificates for a server that its clients know as a subject.
func newSelfMade(authority *authority, served subject, clock clockwork.Clock) (*selfMade, error) {
	serving, err := newRenewed(served.names[0], served, authority, clock)
	if err != nil {
		return nil, fmt.Errorf("creating the serving certificate: %w", err)
	}
	loopback, err := newRenewed(loopbackServerName, subject{names: []string{loopbackServerName}}, authority, clock)
	if err != nil {
		return nil, fmt.Errorf("creating the loopback certificate: %w", err)
	}
	return &selfMade{
		authority: authority.bundle(),
		serving:   serving,
		loopback:  loopback,
	}, nil
}

// subject is what a certificate is for.
type subject struct {
	// names are DNS names, of which there is at least one.
	names     []string
	addresses []net.IP
}

// machineAt is what a server is known as that is bound to an address: everything
// that this machine is, if that says any.
func machineAt(bound net.IP) subject {
	s := subject{
		names:     []string{"localhost"},
		addresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	add := func(address net.IP) {
		if address != nil && !slices.ContainsFunc(s.addresses, address.Equal) {
			s.addresses = append(s.addresses, address)
		}
	}
	if bound == nil || !bound.IsUnspecified() {
		add(bound)
		return s
	}
	// A machine that doesn't know its name or addresses is reached by the others.
	if name, err := os.Hostname(); err == nil && len(validation.IsDNS1123Subdomain(name)) == 0 {
		s.names = append(s.names, name)
	}
	interfaces, _ := net.InterfaceAddrs()
	for _, address := range interfaces {
		if network, ok := address.(*net.IPNet); ok && !network.IP.IsLinkLocalUnicast() {
			add(network.IP)
		}
	}
	return s
}

type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(now time.Time) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return selfSigned(key, fmt.Sprintf("tilt-session-ca@%d", now.Unix()), now)
}

// selfSigned returns the authority of a key.
func selfSigned(key *ecdsa.PrivateKey, name string, now time.Time) (*authority, error) {
	template, err := newTemplate(name, now, authorityLifetime)
	if err != nil {
		return nil, err
	}
	template.IsCA = true
	template.MaxPathLenZero = true
	template.KeyUsage = x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &authority{certificate: certificate, key: key}, nil
}

// bundle is what verifies certificates of the authority, in PEM.
func (a *authority) bundle() []byte { return encodePEM("CERTIFICATE", a.certificate.Raw) }

// isOld tells whether the authority should be renewed, or can't be used before it is
// because a clock was wrong.
func (a *authority) isOld(now time.Time) bool {
	return now.Before(a.certificate.NotBefore) || a.certificate.NotAfter.Sub(now) < authorityLifetime/2
}

// renew returns the authority with a new certificate. What either certificate
// verifies is the same.
func (a *authority) renew(now time.Time) (*authority, error) {
	return selfSigned(a.key, a.certificate.Subject.CommonName, now)
}

// sign returns a serving certificate for a subject.
func (a *authority) sign(subject subject, now time.Time) (keyPair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return keyPair{}, err
	}
	template, err := newTemplate(subject.names[0], now, certificateLifetime)
	if err != nil {
		return keyPair{}, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	template.DNSNames = subject.names
	template.IPAddresses = subject.addresses
	certificate, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return keyPair{}, err
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return keyPair{}, err
	}
	return keyPair{
		certificate: encodePEM("CERTIFICATE", certificate),
		key:         encodePEM("EC PRIVATE KEY", private),
	}, nil
}

func newTemplate(name string, now time.Time, lifetime time.Duration) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	return &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             now.Add(-clockSkew),
		NotAfter:              now.Add(lifetime),
		BasicConstraintsValid: true,
	}, nil
}

func encodePEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
