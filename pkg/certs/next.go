// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/x509"
	"slices"
	"time"
)

const (
	// Both are renewed when half of the time has passed. An authority then is valid
	// for longer than what it signs.
	sharedAuthorityLifetime   = 2 * 365 * 24 * time.Hour
	sharedCertificateLifetime = 90 * 24 * time.Hour
	// overlap is how long authorities before are trusted beside a new one that's
	// published. It's much longer than servers take to change to it.
	overlap = time.Hour
	// maxBefore is how many of them there are at most.
	maxBefore = 8
)

// Reasons for which something else is shared than what's kept.
const (
	nothingKept      = "there is none"
	authorityIsOld   = "the authority has got old"
	certificateIsOld = "the certificate has got old"
	otherSubject     = "the certificate is for another name"
	otherAuthority   = "the certificate is of another authority"
	overlapIsOver    = "the authority before is not needed any more"
)

// next returns what is to be shared from now on, and why if that isn't what is kept,
// which may be nothing. trusted are authorities whose certificates may be in use, and
// settled says that the one that's kept has been published for the whole overlap.
func next(kept *material, trusted []*x509.Certificate, settled bool, subject Subject, now time.Time) (*material, string, error) {
	switch {
	case kept == nil:
		return renewAll(trusted, subject, now, nothingKept)
	case kept.authority.IsOld(now):
		return renewAll(kept.trusted, subject, now, authorityIsOld)
	}
	before := kept.trusted[1:]
	if settled {
		before = nil
	}
	reason := ""
	switch {
	case isOld(kept.leaf, now):
		reason = certificateIsOld
	case !isFor(kept.leaf, subject):
		reason = otherSubject
	case kept.leaf.CheckSignatureFrom(kept.authority.certificate) != nil:
		reason = otherAuthority
	case len(before) < len(kept.trusted)-1:
		m, err := newMaterial(kept.authority, before, kept.serving)
		return m, overlapIsOver, err
	default:
		return kept, "", nil
	}
	m, err := sign(kept.authority, before, subject, now)
	return m, reason, err
}

// renewAll begins with a new key, while those that are trusted are still valid.
func renewAll(trusted []*x509.Certificate, subject Subject, now time.Time, reason string) (*material, string, error) {
	authority, err := NewAuthority(now, sharedAuthorityLifetime)
	if err != nil {
		return nil, "", err
	}
	var before []*x509.Certificate
	for _, certificate := range trusted {
		if now.Before(certificate.NotAfter) && len(before) < maxBefore && !slices.ContainsFunc(before, certificate.Equal) {
			before = append(before, certificate)
		}
	}
	m, err := sign(authority, before, subject, now)
	return m, reason, err
}

func sign(authority *Authority, before []*x509.Certificate, subject Subject, now time.Time) (*material, error) {
	serving, err := authority.Sign(subject, now, sharedCertificateLifetime)
	if err != nil {
		return nil, err
	}
	return newMaterial(authority, before, serving)
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
