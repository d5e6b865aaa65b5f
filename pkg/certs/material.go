// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

// The keys of the Secret besides those that its type requires.
const (
	authorityKey    = corev1.ServiceAccountRootCAKey
	authorityKeyKey = "ca.key"
)

// material is the content of the Secret. It is immutable.
type material struct {
	// authority signs. It is the first of trusted.
	authority *Authority
	trusted   []*x509.Certificate
	// serving is the certificate that servers serve, leaf its decoded form.
	serving KeyPair
	leaf    *x509.Certificate
}

// newMaterial returns an authority, previous ones and a certificate.
func newMaterial(authority *Authority, previous []*x509.Certificate, serving KeyPair) (*material, error) {
	pair, err := tls.X509KeyPair(serving.Certificate, serving.Key)
	if err != nil {
		return nil, err
	}
	return &material{
		authority: authority,
		trusted:   slices.Concat([]*x509.Certificate{authority.certificate}, previous),
		serving:   serving,
		leaf:      pair.Leaf,
	}, nil
}

// decodeMaterial decodes the data of a Secret.
func decodeMaterial(data map[string][]byte) (*material, error) {
	if len(data[authorityKeyKey]) == 0 {
		return nil, errors.New("has no " + authorityKeyKey + ": it belongs to another program")
	}
	trusted, err := cert.ParseCertsPEM(data[authorityKey])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", authorityKey, err)
	}
	authority, err := DecodeAuthority(slices.Concat(encode(trusted[0]), data[authorityKeyKey]))
	if err != nil {
		return nil, fmt.Errorf("%s and %s: %w", authorityKey, authorityKeyKey, err)
	}
	serving := KeyPair{Certificate: data[corev1.TLSCertKey], Key: data[corev1.TLSPrivateKeyKey]}
	m, err := newMaterial(authority, trusted[1:], serving)
	if err != nil {
		return nil, fmt.Errorf("%s and %s: %w", corev1.TLSCertKey, corev1.TLSPrivateKeyKey, err)
	}
	return m, nil
}

// encode returns the data of the Secret.
func (m *material) encode() (map[string][]byte, error) {
	key, err := keyutil.MarshalPrivateKeyToPEM(m.authority.key)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		authorityKey:            m.bundle(),
		authorityKeyKey:         key,
		corev1.TLSCertKey:       m.serving.Certificate,
		corev1.TLSPrivateKeyKey: m.serving.Key,
	}, nil
}

// bundle returns the trusted authorities, in PEM.
func (m *material) bundle() []byte { return encode(m.trusted...) }

const (
	// Both are renewed after half of their lifetime. An authority is then valid for
	// longer than the certificates that it signs.
	sharedAuthorityLifetime   = 2 * 365 * 24 * time.Hour
	sharedCertificateLifetime = 90 * 24 * time.Hour
	// overlap is how long previous authorities stay trusted after a new one has been
	// published. It's much longer than servers take to change to the new one.
	overlap = time.Hour
	// maxPrevious is the maximum number of previous authorities.
	maxPrevious = 8
)

// next returns the material that should be stored, and the reason if it differs from the
// stored one, which may be nil. trusted are the authorities whose certificates may be in
// use. overlapped reports that the stored authority has been published for the overlap.
func next(
	stored *material, trusted []*x509.Certificate, overlapped bool, subject Subject, now time.Time,
) (*material, string, error) {
	switch {
	case stored == nil:
		return renewAll(trusted, subject, now, "the Secret is missing or empty")
	case stored.authority.IsOld(now):
		return renewAll(stored.trusted, subject, now, "the authority is old")
	}
	previous := stored.trusted[1:]
	if overlapped {
		previous = nil
	}
	var reason string
	switch {
	case isOld(stored.leaf, now):
		reason = "the certificate is old"
	case !isFor(stored.leaf, subject):
		reason = "the certificate is for other names"
	case stored.leaf.CheckSignatureFrom(stored.authority.certificate) != nil:
		reason = "the certificate is of another authority"
	case len(previous) < len(stored.trusted)-1:
		m, err := newMaterial(stored.authority, previous, stored.serving)
		return m, "the previous authorities are no longer needed", err
	default:
		return stored, "", nil
	}
	m, err := sign(stored.authority, previous, subject, now)
	return m, reason, err
}

// renewAll returns a new authority, and keeps the valid trusted ones as previous ones.
func renewAll(trusted []*x509.Certificate, subject Subject, now time.Time, reason string) (*material, string, error) {
	authority, err := NewAuthority(now, sharedAuthorityLifetime)
	if err != nil {
		return nil, "", err
	}
	var previous []*x509.Certificate
	for _, c := range trusted {
		if now.Before(c.NotAfter) && len(previous) < maxPrevious && !slices.ContainsFunc(previous, c.Equal) {
			previous = append(previous, c)
		}
	}
	m, err := sign(authority, previous, subject, now)
	return m, reason, err
}

func sign(authority *Authority, previous []*x509.Certificate, subject Subject, now time.Time) (*material, error) {
	serving, err := authority.Sign(subject, now, sharedCertificateLifetime)
	if err != nil {
		return nil, err
	}
	return newMaterial(authority, previous, serving)
}

func isFor(certificate *x509.Certificate, subject Subject) bool {
	differs := func(host string) bool { return certificate.VerifyHostname(host) != nil }
	return !slices.ContainsFunc(subject.Names, differs) &&
		!slices.ContainsFunc(subject.Addresses, func(ip net.IP) bool { return differs(ip.String()) })
}
