// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/x509"
	"slices"
	"time"
)

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

// Reasons to write the Secret.
const (
	nothingStored    = "the Secret is missing or empty"
	authorityIsOld   = "the authority is old"
	certificateIsOld = "the certificate is old"
	otherSubject     = "the certificate is for other names"
	otherAuthority   = "the certificate is of another authority"
	overlapIsOver    = "the previous authorities are no longer needed"
)

// next returns the material that should be stored, and the reason if it differs from the
// stored one, which may be nil. trusted are the authorities whose certificates may be in
// use. overlapped reports that the stored authority has been published for the overlap.
func next(
	stored *material, trusted []*x509.Certificate, overlapped bool, subject Subject, now time.Time,
) (*material, string, error) {
	switch {
	case stored == nil:
		return renewAll(trusted, subject, now, nothingStored)
	case stored.authority.IsOld(now):
		return renewAll(stored.trusted, subject, now, authorityIsOld)
	}
	previous := stored.trusted[1:]
	if overlapped {
		previous = nil
	}
	reason := ""
	switch {
	case isOld(stored.leaf, now):
		reason = certificateIsOld
	case !isFor(stored.leaf, subject):
		reason = otherSubject
	case stored.leaf.CheckSignatureFrom(stored.authority.certificate) != nil:
		reason = otherAuthority
	case len(previous) < len(stored.trusted)-1:
		m, err := newMaterial(stored.authority, previous, stored.serving)
		return m, overlapIsOver, err
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
	for _, certificate := range trusted {
		if now.Before(certificate.NotAfter) && len(previous) < maxPrevious && !slices.ContainsFunc(previous, certificate.Equal) {
			previous = append(previous, certificate)
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
	for _, name := range subject.Names {
		if certificate.VerifyHostname(name) != nil {
			return false
		}
	}
	for _, address := range subject.Addresses {
		if certificate.VerifyHostname(address.String()) != nil {
			return false
		}
	}
	return true
}
