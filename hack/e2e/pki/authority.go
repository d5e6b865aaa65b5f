// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"os"
	"testing"
	"time"
)

// Authority signs certificates. Its methods may be called by several goroutines.
type Authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority returns one that's signed by itself.
func NewAuthority(t testing.TB, name string) *Authority {
	t.Helper()
	a := &Authority{t: t, key: newKey(t)}
	a.cert = a.issue(&x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		BasicConstraintsValid: true,
		IsCA:                  true,
		KeyUsage:              x509.KeyUsageCertSign,
	}, a.key)
	return a
}

// Client issues a certificate for a user in groups.
func (a *Authority) Client(user string, groups ...string) Pair {
	a.t.Helper()
	return a.pair(&x509.Certificate{
		Subject:     pkix.Name{CommonName: user, Organization: groups},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
}

// Server issues a certificate for a server with names, at 127.0.0.1 too.
func (a *Authority) Server(names ...string) Pair {
	a.t.Helper()
	return a.pair(&x509.Certificate{
		Subject:     pkix.Name{CommonName: names[0]},
		DNSNames:    names,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
}

// PEM is the certificate of the authority.
func (a *Authority) PEM() []byte { return encode("CERTIFICATE", a.cert.Raw) }

// Write has a file, name.crt in a directory, hold the authority's certificate, and
// returns the path.
func (a *Authority) Write(directory, name string) string {
	a.t.Helper()
	return WriteBundle(a.t, directory, name, a)
}

// WriteBundle has a file, name.crt in a directory, hold the certificates of
// authorities, and returns the path. A file that's there is replaced at once.
func WriteBundle(t testing.TB, directory, name string, authorities ...*Authority) string {
	t.Helper()
	return replace(t, directory, name+".crt", Bundle(authorities...))
}

// Bundle is the certificates of authorities.
func Bundle(authorities ...*Authority) []byte {
	var bundle []byte
	for _, a := range authorities {
		bundle = append(bundle, a.PEM()...)
	}
	return bundle
}

// ReadPool trusts the authorities in a file.
func ReadPool(t testing.TB, path string) *x509.CertPool {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		t.Fatalf("no certificate in %s", path)
	}
	return pool
}

func (a *Authority) pair(template *x509.Certificate) Pair {
	a.t.Helper()
	key := newKey(a.t)
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	return Pair{t: a.t, Cert: encode("CERTIFICATE", a.issue(template, key).Raw), Key: encode("EC PRIVATE KEY", der)}
}

// issue signs a template, with its own key if the authority has no certificate yet.
func (a *Authority) issue(template *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	a.t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		a.t.Fatal(err)
	}
	template.SerialNumber = serial
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent := a.cert
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
