// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// The keys of the Secret besides those that its type requires.
const (
	authorityKey    = corev1.ServiceAccountRootCAKey
	authorityKeyKey = "ca.key"
)

// errForeign is returned for a Secret that this package hasn't written.
var errForeign = errors.New("has no " + authorityKeyKey + ": it belongs to another program")

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
		return nil, errForeign
	}
	trusted, err := decodeBundle(data[authorityKey])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", authorityKey, err)
	}
	authority, err := DecodeAuthority(slices.Concat(encode(certificateBlock, trusted[0].Raw), data[authorityKeyKey]))
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
	key, err := encodeKey(m.authority.key)
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
func (m *material) bundle() []byte {
	var bundle bytes.Buffer
	for _, certificate := range m.trusted {
		bundle.Write(encode(certificateBlock, certificate.Raw))
	}
	return bundle.Bytes()
}

// decodeBundle decodes one or more certificates in PEM.
func decodeBundle(text []byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for {
		var block *pem.Block
		block, text = pem.Decode(text)
		switch {
		case block == nil && len(all) == 0:
			return nil, errors.New("no certificate in PEM")
		case block == nil:
			return all, nil
		case block.Type != certificateBlock:
			return nil, fmt.Errorf("contains a %s instead of certificates", block.Type)
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		all = append(all, certificate)
	}
}
