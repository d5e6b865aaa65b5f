// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"
)

const (
	// clockSkew is how far behind the clock of a client may be.
	clockSkew = 5 * time.Minute
	// maxCommonName is how long one may be by X.509.
	maxCommonName = 64

	certificateBlock = "CERTIFICATE"
	keyBlock         = "EC PRIVATE KEY"
)

// Subject is what a certificate is for.
type Subject struct {
	// Names are DNS names, of which there is at least one.
	Names []string
	// Addresses are IP addresses.
	Addresses []net.IP
}

// KeyPair is a certificate with its private key, in PEM.
type KeyPair struct{ Certificate, Key []byte }

// Authority signs certificates. It doesn't change.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// NewAuthority returns an authority with a key of its own that's valid from now on
// for a time.
func NewAuthority(now time.Time, lifetime time.Duration) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return selfSigned(key, fmt.Sprintf("tilt-session-ca@%d", now.Unix()), now, lifetime)
}

// selfSigned returns the authority of a key.
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

// Bundle is what verifies certificates of the authority, in PEM.
func (a *Authority) Bundle() []byte { return encode(certificateBlock, a.certificate.Raw) }

// IsOld tells whether half of the authority's life has passed, so that it should be
// renewed. It's true as well while a clock that was wrong keeps it from being valid.
func (a *Authority) IsOld(now time.Time) bool { return isOld(a.certificate, now) }

// Renew returns the authority with a new certificate. What either certificate
// verifies is the same.
func (a *Authority) Renew(now time.Time, lifetime time.Duration) (*Authority, error) {
	return selfSigned(a.key, a.certificate.Subject.CommonName, now, lifetime)
}

// Sign returns a serving certificate for a subject that's valid from now on for a
// time. Its key is a new one.
func (a *Authority) Sign(subject Subject, now time.Time, lifetime time.Duration) (KeyPair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return KeyPair{}, err
	}
	template, err := newTemplate(subject.Names[0], now, lifetime)
	if err != nil {
		return KeyPair{}, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	template.DNSNames = subject.Names
	template.IPAddresses = subject.Addresses
	certificate, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return KeyPair{}, err
	}
	encoded, err := encodeKey(key)
	if err != nil {
		return KeyPair{}, err
	}
	return KeyPair{Certificate: encode(certificateBlock, certificate), Key: encoded}, nil
}

// Encode returns the certificate with the private key behind it, in PEM.
func (a *Authority) Encode() ([]byte, error) {
	key, err := encodeKey(a.key)
	if err != nil {
		return nil, err
	}
	return append(a.Bundle(), key...), nil
}

// DecodeAuthority is the inverse of Encode. The error doesn't say where the text is
// from.
func DecodeAuthority(text []byte) (*Authority, error) {
	certificate, rest := pem.Decode(text)
	key, _ := pem.Decode(rest)
	if certificate == nil || certificate.Type != certificateBlock || key == nil || key.Type != keyBlock {
		return nil, errors.New("it isn't a certificate with an EC private key behind it, in PEM")
	}
	a := &Authority{}
	var err error
	if a.certificate, err = x509.ParseCertificate(certificate.Bytes); err != nil {
		return nil, err
	}
	if a.key, err = x509.ParseECPrivateKey(key.Bytes); err != nil {
		return nil, fmt.Errorf("its private key: %w", err)
	}
	public, ok := a.certificate.PublicKey.(*ecdsa.PublicKey)
	switch {
	case !a.certificate.IsCA:
		return nil, errors.New("its certificate isn't one of an authority")
	case !ok || !a.key.PublicKey.Equal(public):
		return nil, errors.New("its private key isn't that of its certificate")
	case !bytes.Equal(a.certificate.RawIssuer, a.certificate.RawSubject):
		return nil, errors.New("its certificate is issued by somebody else")
	}
	return a, nil
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

// isOld tells whether half of a certificate's life has passed, or none yet.
func isOld(c *x509.Certificate, now time.Time) bool {
	return now.Before(c.NotBefore) || c.NotAfter.Sub(now) < now.Sub(c.NotBefore.Add(clockSkew))
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return encode(keyBlock, der), nil
}
