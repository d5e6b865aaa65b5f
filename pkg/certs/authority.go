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
	// clockSkew is how far a client's clock may be behind.
	clockSkew = 5 * time.Minute
	// maxCommonName is the maximum length of a common name in X.509.
	maxCommonName = 64

	certificateBlock = "CERTIFICATE"
	keyBlock         = "EC PRIVATE KEY"
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
		return nil, err
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
func (a *Authority) Bundle() []byte { return encode(certificateBlock, a.certificate.Raw) }

// IsOld reports whether the authority should be renewed: in the second half of its
// lifetime, or if it isn't valid yet because a clock was wrong.
func (a *Authority) IsOld(now time.Time) bool { return isOld(a.certificate, now) }

// Renew returns the authority with a new certificate for the same name and key. Both certificates verify the same.
func (a *Authority) Renew(now time.Time, lifetime time.Duration) (*Authority, error) {
	return selfSigned(a.key, a.certificate.Subject.CommonName, now, lifetime)
}

// Sign returns a serving certificate with a new key, valid from now for lifetime.
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

// Encode returns the certificate followed by the private key, in PEM.
func (a *Authority) Encode() ([]byte, error) {
	key, err := encodeKey(a.key)
	if err != nil {
		return nil, err
	}
	return append(a.Bundle(), key...), nil
}

// DecodeAuthority is the inverse of Encode.
func DecodeAuthority(text []byte) (*Authority, error) {
	certificate, rest := pem.Decode(text)
	key, _ := pem.Decode(rest)
	if certificate == nil || certificate.Type != certificateBlock || key == nil || key.Type != keyBlock {
		return nil, errors.New("not a certificate followed by an EC private key in PEM")
	}
	a := &Authority{}
	var err error
	if a.certificate, err = x509.ParseCertificate(certificate.Bytes); err != nil {
		return nil, err
	}
	if a.key, err = x509.ParseECPrivateKey(key.Bytes); err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	public, ok := a.certificate.PublicKey.(*ecdsa.PublicKey)
	switch {
	case !a.certificate.IsCA:
		return nil, errors.New("certificate is not that of an authority")
	case !ok || !a.key.PublicKey.Equal(public):
		return nil, errors.New("private key does not match the certificate")
	case !bytes.Equal(a.certificate.RawIssuer, a.certificate.RawSubject):
		return nil, errors.New("certificate is not self-signed")
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

// isOld reports whether a certificate is in the second half of its lifetime, or isn't valid yet.
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
