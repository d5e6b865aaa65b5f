// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"net/http"
	"testing"

	"tilt.dev/session/hack/e2e/pki"
)

// testSpoofing: who reaches a replica past the aggregator is nobody, whatever the
// headers say, without the certificate of the aggregator, or who a certificate of a
// user stands for.
func testSpoofing(t *testing.T, c *cluster) {
	for name, test := range map[string]struct {
		pair    *pki.Pair
		allowed bool
	}{
		"no certificate":                {nil, false},
		"certificate of another name":   {pairOf(c.proxies.Client("back-proxy-client")), false},
		"certificate of another CA":     {pairOf(pki.NewAuthority(t, "proxies").Client(proxyName)), false},
		"certificate of a user":         {pairOf(c.users.Client("otto", "others")), false},
		"certificate of a server":       {pairOf(c.proxies.Server(proxyName)), false},
		"certificate of the aggregator": {pairOf(c.proxies.Client(proxyName)), true},
	} {
		t.Run(name, func(t *testing.T) {
			config := c.direct(c.replicas[0], test.pair)
			for user, headers := range map[string]http.Header{
				"a master": master,
				"a viewer": {"X-Remote-User": {"vera"}, "X-Remote-Group": {"viewers", "system:authenticated"}},
			} {
				if code, body := ask(t, config, http.MethodGet, sessionsPath, headers); test.allowed && code != http.StatusOK || !test.allowed && code != http.StatusUnauthorized && code != http.StatusForbidden {
					t.Errorf("as %s: %d: %s", user, code, body)
				}
			}
		})
	}
	// Through the aggregator they're overwritten.
	if code, body := ask(t, c.front.User("otto", "others"), http.MethodGet, sessionsPath, master); code != http.StatusForbidden {
		t.Errorf("through the aggregator: %d: %s", code, body)
	}
}

func pairOf(pair pki.Pair) *pki.Pair { return &pair }
