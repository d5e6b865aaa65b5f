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
	"time"

	genericapiserver "k8s.io/apiserver/pkg/server"
)

const (
	certificateLifetime = 365 * 24 * time.Hour
	// clockSkew is how far behind the clock of a client may be.
	clockSkew = 5 * time.Minute
)

// certificates are what a server proves its identity with. Nothing but the
// certificates signed here is signed by the authority: its key isn't kept.
type certificates struct {
	// authority is the bundle by which clients verify the server, in PEM.
	authority []byte
	// serving is for clients that address the server by its name or address.
	serving keyPair
	// loopback is for the server's own clients.
	loopback keyPair
}

// keyPair is a certificate with its private key, in PEM.
type keyPair struct{ certificate, key []byte }

// newCertificates returns certificates for a server on an address of this
// machine.
func newCertificates(bound net.IP, now time.Time) (*certificates, error) {
	authority, err := newAuthority(now)
	if err != nil {
		return nil, fmt.Errorf("creating a certificate authority: %w", err)
	}
	addresses := []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	if bound != nil && !bound.IsUnspecified() && !bound.IsLoopback() {
		addresses = append(addresses, bound)
	} else if bound.IsLoopback() && !bound.Equal(addresses[0]) && !bound.Equal(addresses[1]) {
		addresses = append(addresses, bound)
	}
	serving, err := authority.sign("localhost", addresses)
	if err != nil {
		return nil, fmt.Errorf("creating the serving certificate: %w", err)
	}
	loopback, err := authority.sign(genericapiserver.LoopbackClientServerNameOverride, nil)
	if err != nil {
		return nil, fmt.Errorf("creating the loopback certificate: %w", err)
	}
	return &certificates{
		authority: encodePEM("CERTIFICATE", authority.certificate.Raw),
		serving:   serving,
		loopback:  loopback,
	}, nil
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
	template, err := newTemplate(fmt.Sprintf("tilt-session-ca@%d", now.Unix()), now)
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

// sign returns a serving certificate for a name and some addresses.
func (a *authority) sign(name string, addresses []net.IP) (keyPair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return keyPair{}, err
	}
	template, err := newTemplate(name, a.certificate.NotBefore.Add(clockSkew))
	if err != nil {
		return keyPair{}, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	template.DNSNames = []string{name}
	template.IPAddresses = addresses
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

func newTemplate(name string, now time.Time) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	return &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             now.Add(-clockSkew),
		NotAfter:              now.Add(certificateLifetime),
		BasicConstraintsValid: true,
	}, nil
}

func encodePEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
