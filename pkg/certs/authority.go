// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"

	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

const (
	// clockSkew is how far a client's clock may be behind.
	clockSkew = 5 * time.Minute
	// maxCommonName is the maximum length of a common name in X.509.
	maxCommonName = 64
)

// Subject has the names and addresses that a certificate is valid for.
type Subject struct {
	// Names are DNS names. There must be at least one.
	Names []string
	// Addresses are IP addresses.
	Addresses []net.IP
}

// KeyPair is a certificate with its private key, in PEM.
type KeyPair struct{ Certificate, Key []byte }

// Authority signs certificates. It is immutable.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// NewAuthority returns an authority with a new key, valid from now for lifetime.
func NewAuthority(now time.Time, lifetime time.Duration) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("create a certificate authority: %w", err)
	}
	return selfSigned(key, fmt.Sprintf("tilt-session-ca@%d", now.Unix()), now, lifetime)
}

// selfSigned returns an authority with a key.
func selfSigned(key *ecdsa.PrivateKey, name string, now time.Time, lifetime time.Duration) (*Authority, error) {
	template, err := newTemplate(name, now, lifetime)
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
	return &Authority{certificate: certificate, key: key}, nil
}

// Bundle returns the certificate of the authority, in PEM.
func (a *Authority) Bundle() []byte { return encode(a.certificate) }

// IsOld reports whether the authority should be renewed: in the second half of its
// lifetime, or if it isn't valid yet because a clock was wrong.
func (a *Authority) IsOld(now time.Time) bool { return isOld(a.certificate, now) }

// Renew returns the authority with a new certificate for the same name and key. Both certificates verify the same.
func (a *Authority) Renew(now time.Time, lifetime time.Duration) (*Authority, error) {
	return selfSigned(a.key, a.certificate.Subject.CommonName, now, lifetime)
}

// Sign returns a serving certificate with a new key, valid from now for lifetime.
func (a *Authority) Sign(subject Subject, now time.Time, lifetime time.Duration) (KeyPair, error) {
	return a.sign(subject, x509.ExtKeyUsageServerAuth, now, lifetime)
}

// SignClient returns a client certificate with a new key, valid from now for lifetime.
func (a *Authority) SignClient(name string, now time.Time, lifetime time.Duration) (KeyPair, error) {
	return a.sign(Subject{Names: []string{name}}, x509.ExtKeyUsageClientAuth, now, lifetime)
}

func (a *Authority) sign(
	subject Subject, usage x509.ExtKeyUsage, now time.Time, lifetime time.Duration,
) (KeyPair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return KeyPair{}, err
	}
	template, err := newTemplate(subject.Names[0], now, lifetime)
	if err != nil {
		return KeyPair{}, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{usage}
	template.DNSNames = subject.Names
	template.IPAddresses = subject.Addresses
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return KeyPair{}, err
	}
	encoded, err := keyutil.MarshalPrivateKeyToPEM(key)
	return KeyPair{Certificate: encode(&x509.Certificate{Raw: der}), Key: encoded}, err
}

// Encode returns the certificate followed by the private key, in PEM.
func (a *Authority) Encode() ([]byte, error) {
	key, err := keyutil.MarshalPrivateKeyToPEM(a.key)
	return append(a.Bundle(), key...), err
}

// DecodeAuthority is the inverse of Encode.
func DecodeAuthority(text []byte) (*Authority, error) {
	pair, err := tls.X509KeyPair(text, text)
	if err != nil {
		return nil, err
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	switch {
	case !ok:
		return nil, errors.New("private key is not an EC key")
	case !pair.Leaf.IsCA:
		return nil, errors.New("certificate is not that of an authority")
	case !bytes.Equal(pair.Leaf.RawIssuer, pair.Leaf.RawSubject):
		return nil, errors.New("certificate is not self-signed")
	}
	return &Authority{certificate: pair.Leaf, key: key}, nil
}

func newTemplate(name string, now time.Time, lifetime time.Duration) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		NotBefore:             now.Add(-clockSkew),
		NotAfter:              now.Add(lifetime),
		BasicConstraintsValid: true,
	}
	if len(name) <= maxCommonName {
		template.Subject = pkix.Name{CommonName: name}
	}
	return template, nil
}

// isOld reports whether a certificate is in the second half of its lifetime, or isn't valid yet.
func isOld(c *x509.Certificate, now time.Time) bool {
	return now.Before(c.NotBefore) || c.NotAfter.Sub(now) < now.Sub(c.NotBefore.Add(clockSkew))
}

// encode returns certificates in PEM. It can't fail because it writes to memory.
func encode(certificates ...*x509.Certificate) []byte {
	encoded, _ := cert.EncodeCertificates(certificates...)
	return encoded
}
