// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"net/http"
	"path/filepath"
	"testing"

	"tilt.dev/session/pkg/apiserver"
	testserver "tilt.dev/session/pkg/testing/server"
)

// Requests of different users through a proxy don't share a connection, and the server
// doesn't close the connection of an anonymous one.
func TestConnectionsOfProxies(t *testing.T) {
	t.Parallel()
	proxies := newAuthority(t, "proxies")
	for name, test := range map[string]struct {
		file  string
		major int
	}{
		"with front proxies": {writeBundle(t, filepath.Join(t.TempDir(), "proxies.crt"), proxies), 1},
		"without":            {"", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testserver.Start(t, testserver.Configure{Options: func(o *apiserver.Options) {
				o.Authentication.RequestHeader.ClientCAFile = test.file
			}})
			certificate := proxies.client("any", nil)
			client := as(t, server, identity{certificate: &certificate})
			client.client.Transport.(*http.Transport).ForceAttemptHTTP2 = true
			reply := client.do(http.MethodGet, sessionsPath, nil, claim("system:anonymous", "system:unauthenticated")...)
			if reply.major != test.major {
				t.Errorf("it speaks HTTP/%d", reply.major)
			}
			if test.file != "" && (reply.code != http.StatusForbidden || reply.closes) {
				t.Errorf("an anonymous request: %d, connection closed: %v", reply.code, reply.closes)
			}
		})
	}
}

// The server closes some connections with the response, and keeps others.
func TestGoaway(t *testing.T) {
	t.Parallel()
	server := testserver.Start(t, testserver.Configure{Options: func(o *apiserver.Options) { o.Requests.GoawayChance = 0.02 }})
	client := newRawClient(t, server)
	closed, kept := false, false
	eventually(t, "both have happened", func() bool {
		closes := client.do(http.MethodGet, "/livez", nil).want(http.StatusOK).closes
		closed, kept = closed || closes, kept || !closes
		return closed && kept
	})
}
