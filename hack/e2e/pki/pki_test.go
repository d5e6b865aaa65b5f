// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package pki_test

import (
	"crypto/tls"
	"crypto/x509"
	"testing"

	"tilt.dev/session/hack/e2e/pki"
)

func TestPairsAreVerified(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	one, other := pki.NewAuthority(t, "one"), pki.NewAuthority(t, "other")
	roots := pki.ReadPool(t, one.Write(directory, "ca"))
	for name, test := range map[string]struct {
		pair pki.Pair
		use  x509.ExtKeyUsage
		dns  string
		good bool
	}{
		"a server":           {one.Server("a.b.svc"), x509.ExtKeyUsageServerAuth, "a.b.svc", true},
		"by its address":     {one.Server("a.b.svc"), x509.ExtKeyUsageServerAuth, "127.0.0.1", true},
		"by another name":    {one.Server("a.b.svc"), x509.ExtKeyUsageServerAuth, "b.b.svc", false},
		"a client":           {one.Client("vera", "viewers"), x509.ExtKeyUsageClientAuth, "", true},
		"a client as server": {one.Client("vera"), x509.ExtKeyUsageServerAuth, "", false},
		"of somebody else":   {other.Client("vera"), x509.ExtKeyUsageClientAuth, "", false},
		"server as a client": {one.Server("a.b.svc"), x509.ExtKeyUsageClientAuth, "", false},
	} {
		files := test.pair.Write(directory, "pair")
		pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
		if err != nil {
			t.Fatal(err)
		}
		_, err = pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: test.dns, KeyUsages: []x509.ExtKeyUsage{test.use}})
		if (err == nil) != test.good {
			t.Errorf("%s: %v", name, err)
		}
	}
	both := pki.ReadPool(t, pki.WriteBundle(t, directory, "ca", one, other))
	if both.Equal(roots) {
		t.Error("the file wasn't replaced")
	}
}
