// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"maps"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Encoding decoded material returns the same data, for any data that can be decoded.
func FuzzMaterial(f *testing.F) {
	now := time.Unix(1700000000, 0)
	m, _, err := next(nil, nil, false, ServiceSubject(types.NamespacedName{Namespace: "a", Name: "b"}), now)
	if err != nil {
		f.Fatal(err)
	}
	data, err := m.encode()
	if err != nil {
		f.Fatal(err)
	}
	other, err := NewAuthority(now, time.Hour)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data["ca.crt"], data["ca.key"], data["tls.crt"], data["tls.key"])
	f.Add(slices.Concat(data["ca.crt"], other.Bundle()), data["ca.key"], data["tls.crt"], data["tls.key"])
	f.Add(slices.Concat(other.Bundle(), data["ca.crt"]), data["ca.key"], data["tls.crt"], data["tls.key"])
	f.Add(data["ca.crt"], data["tls.key"], data["tls.crt"], data["tls.key"])
	f.Add(data["ca.key"], data["ca.key"], data["tls.crt"], data["tls.key"])
	f.Add(data["ca.crt"], data["ca.key"], data["ca.crt"], data["tls.key"])
	f.Add([]byte(nil), []byte("-----BEGIN"), []byte(nil), []byte(nil))
	f.Fuzz(func(t *testing.T, authority, authorityKey, certificate, key []byte) {
		read, err := decodeMaterial(map[string][]byte{"ca.crt": authority, "ca.key": authorityKey, "tls.crt": certificate, "tls.key": key})
		if err != nil {
			return
		}
		if len(read.trusted) == 0 || !read.trusted[0].Equal(read.authority.certificate) || read.leaf == nil {
			t.Fatalf("incomplete: %+v", read)
		}
		written, err := read.encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodeMaterial(written)
		if err != nil {
			t.Fatal(err)
		}
		rewritten, err := again.encode()
		if err != nil || !maps.EqualFunc(written, rewritten, slices.Equal) {
			t.Errorf("the data differ after they are decoded again: %v", err)
		}
		if _, _, err := next(read, nil, true, Subject{Names: []string{"c"}}, now); err != nil {
			t.Errorf("compute the next material: %v", err)
		}
	})
}
