// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"testing"
)

func TestPaths(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]bool{
		"/apis/tilt.dev": true, "/apis/tilt.dev/": true, "/apis/tilt.dev/v1alpha1/sessions/a/log": true, "/version": true,
		"/apis/tilt.dev/v1alpha1/uiresources/a:b": true, "/apis/tilt.dev/v1alpha1/uiresources/a%3Ab": true,
		"/apis/tilt.dev/v1alpha1/uiresources/..a": true, "/openapi/v3/apis/tilt.dev/v1alpha1": true, "/openapi/v3/apis/tilt.dev": true,
		"": false, "*": false, "/": false, "/apis": false, "/apis/": false, "/apis/tilt.devs": false, "/APIS/tilt.dev": false,
		"/version/": false, "/versions": false, "/openapi/v3": false, "/openapi/v3/apis/apps/v1": false, "/openapi/v2": false,
		"/apis/tilt.dev/..": false, "/apis/tilt.dev/../x": false, "/apis/tilt.dev/.": false, "/apis/tilt.dev//": false,
		"/apis/tilt.dev/%2e%2e": false, "/apis/tilt.dev/%2E%2e/x": false, "/apis/tilt.dev/a%2fb": false, "/apis/tilt.dev/a%2Fb": false,
		"/apis/tilt.dev/%5c": false, "/apis/tilt.dev/%25": false, "/apis/tilt.dev/%3b": false, "/apis/tilt.dev/%7f": false, "/apis/tilt.dev/%0a": false,
		"/apis%2ftilt.dev": false, "/apis/tilt.dev%2F\u2025": false, "/apis/tilt.dev/%2e%2e/\u2025": false, "//apis/tilt.dev": false, "http://x/apis/tilt.dev": false,
	} {
		address, err := url.ParseRequestURI(target)
		if err != nil {
			address = &url.URL{Path: target}
		}
		if got := isAPI(address); got != want {
			t.Errorf("%q: %v", target, got)
		}
	}
}

// What is passed on is below the API's paths for each server and proxy, however often and in which order they unescape
// and clean a path.
func FuzzPaths(f *testing.F) {
	for _, target := range []string{
		"/apis/tilt.dev/v1alpha1/sessions", "/version", "/apis/tilt.dev/..%2f", "//apis/tilt.dev", "/apis/tilt.dev/%2e%2e/%252e",
		`/apis/tilt.dev/..\..`, "/apis/tilt.dev/;/..;x=/", "/apis/tilt.dev/%00", "/openapi/v3/apis/tilt.dev/a%3Ab", "/apis/tilt.dev/%c0%ae", "/apis/tilt.dev%2F\u2025",
	} {
		f.Add(target)
	}
	f.Fuzz(func(t *testing.T, target string) {
		address, err := url.ParseRequestURI(target)
		if err != nil || !isAPI(address) {
			return
		}
		read, _, _ := strings.Cut(target, "?")
		for range 3 {
			for _, form := range []string{read, strings.ReplaceAll(read, `\`, "/")} {
				if clean := path.Clean(form); !below(clean) {
					t.Fatalf("%q is read as %q", target, clean)
				}
			}
			// Another server unescapes once more.
			if read, err = url.PathUnescape(read); err != nil {
				t.Fatalf("%q can be unescaped once and not more often", target)
			}
		}
	})
}

func below(p string) bool {
	for _, root := range []string{"/apis/tilt.dev", "/openapi/v3/apis/tilt.dev", "/version"} {
		if p == root || strings.HasPrefix(p, root+"/") {
			return true
		}
	}
	return false
}

func TestHosts(t *testing.T) {
	t.Parallel()
	h := newHosts(Options{Port: 10350, Hosts: []string{"Dev.Test", "other.test:8443", "shop.test:443", "10.1.2.3", "[2001:db8::1]", "*", "a/b"},
		TLSHosts: []string{"Machine", "192.0.2.1", "2001:db8::2"}})
	for host, want := range map[string]struct{ plain, secure bool }{
		"localhost:10350": {true, true}, "LOCALHOST:10350": {true, true}, "127.0.0.1:10350": {true, true}, "127.1.2.3:10350": {true, true},
		"[::1]:10350": {true, true}, "[0:0:0:0:0:0:0:1]:10350": {true, true},
		"dev.test": {true, true}, "dev.test:10350": {true, true}, "DEV.test": {true, true}, "other.test:8443": {true, true},
		"shop.test": {true, true}, "shop.test:443": {true, true}, "10.1.2.3": {true, true}, "[2001:db8::1]:10350": {true, true},
		"machine:10350": {false, true}, "192.0.2.1:10350": {false, true}, "[2001:db8::2]:10350": {false, true},
		"": {}, "localhost": {}, "localhost:": {}, "localhost:80": {}, "127.0.0.1": {}, "[::1]": {}, "::1": {}, "[::1": {}, "127.1:10350": {},
		"0.0.0.0:10350": {}, "[::]:10350": {}, "[::1%25lo]:10350": {}, "dev.test:1": {}, "other.test": {}, "other.test:10350": {}, "x.dev.test": {},
		"machine": {}, "*": {}, "*:10350": {}, "a/b": {}, "localhost:10350:10350": {}, "user@localhost:10350": {}, "localhost:010350": {},
		"evil.test:10350": {},
	} {
		plain := httptest.NewRequest(http.MethodGet, "http://x/", nil)
		secure := httptest.NewRequest(http.MethodGet, "https://x/", nil)
		plain.Host, secure.Host = host, host
		if _, ok := h.allow(plain); ok != want.plain {
			t.Errorf("%q without TLS: %v", host, ok)
		}
		if _, ok := h.allow(secure); ok != want.secure {
			t.Errorf("%q over TLS: %v", host, ok)
		}
	}
	for host, want := range map[string]bool{
		"dev.test": true, "dev.test:1": true, "10.0.0.1": true, "[::1]:80": true, "::1": true, "xn--a.test": true,
		"": false, "*": false, "*.test": false, "http://dev.test": false, "dev.test/": false, "a b": false, "dev.test:0": false,
		"dev.test:70000": false, "dev.test:x": false, "-": false, "a@b": false, "fe80::1%eth0": false,
	} {
		if got := ValidHost(host); got != want {
			t.Errorf("%q is valid: %v", host, got)
		}
	}
}

// A given name may have a proxy in front of it that speaks TLS; others may not.
func TestOrigins(t *testing.T) {
	t.Parallel()
	site := New(Options{Port: 10350, Hosts: []string{"dev.test"}})
	for _, test := range []struct {
		scheme, host, origin string
		want                 *refusal
	}{
		{"http", "localhost:10350", "http://localhost:10350", nil},
		{"http", "localhost:10350", "http://127.0.0.1:10350", otherOrigin},
		{"http", "localhost:10350", "https://localhost:10350", otherOrigin},
		{"https", "localhost:10350", "https://localhost:10350", nil},
		{"https", "localhost:10350", "http://localhost:10350", otherOrigin},
		{"http", "dev.test", "https://dev.test", nil},
		{"http", "dev.test", "http://dev.test", nil},
		{"https", "dev.test", "https://dev.test", nil},
		{"https", "dev.test", "http://dev.test", otherOrigin},
		{"http", "dev.test", "ftp://dev.test", otherOrigin},
		{"http", "dev.test", "dev.test", otherOrigin},
		{"http", "dev.test", "", otherOrigin},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			r := httptest.NewRequest(method, test.scheme+"://x/version", nil)
			r.URL.Scheme, r.URL.Host, r.Host = "", "", test.host
			r.Header.Set("Origin", test.origin)
			if got := site.check(r); got != test.want {
				t.Errorf("%s of %s://%s by %q: %+v", method, test.scheme, test.host, test.origin, got)
			}
		}
	}
}
