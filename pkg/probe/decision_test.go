// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"strings"
	"testing"
)

// Outcomes are written as p(assed), f(ailed) and n(o result), decisions as R and N
// where they change, - where they don't.
func TestDecision(t *testing.T) {
	for _, test := range []struct {
		succeedAfter, failAfter int
		outcomes, want          string
	}{
		{1, 3, "p", "R"},
		{1, 3, "ppp", "R--"},
		{1, 3, "ffp", "--R"},
		{1, 3, "fff", "--N"},
		{1, 3, "ffffp", "--N-R"},
		{1, 3, "pffpff", "R-----"},
		{1, 3, "pfffp", "R--NR"},
		{1, 3, "pffnf", "R---N"},
		{1, 3, "nnn", "---"},
		{1, 1, "pfpf", "RNRN"},
		{2, 1, "ppfppp", "-RN-R-"},
		{3, 2, "ppfpppffp", "-----R-N-"},
		{2, 2, "pnp", "--R"},
	} {
		d := decision{succeedAfter: test.succeedAfter, failAfter: test.failAfter}
		var got strings.Builder
		for _, o := range test.outcomes {
			changed := d.add(map[rune]outcome{'p': passed, 'f': failed, 'n': noResult}[o])
			switch {
			case !changed:
				got.WriteByte('-')
			case d.ready():
				got.WriteByte('R')
			default:
				got.WriteByte('N')
			}
		}
		if got.String() != test.want {
			t.Errorf("%d/%d %s: got %s, want %s", test.succeedAfter, test.failAfter, test.outcomes, &got, test.want)
		}
	}
}

func TestReason(t *testing.T) {
	for text, want := range map[string]string{
		"HTTP probe failed with statuscode: 503":                                       "503 Service Unavailable",
		"HTTP probe failed with statuscode: 999":                                       "999",
		`Get "http://localhost:1/": dial tcp 127.0.0.1:1: connect: connection refused`: "connection refused",
		`Get "http://localhost:1/": dial tcp: lookup x.invalid: no such host`:          "dial tcp: lookup x.invalid: no such host",
		`Get "/": stopped after 10 redirects`:                                          "stopped after 10 redirects",
		`Get "http://localhost:1/": read tcp [::1]:2->[::1]:1: read: connection reset`: "connection reset",
		"dial tcp [::1]:1: connect: connection refused":                                "connection refused",
		"": "",
	} {
		if got := reason(text); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}
