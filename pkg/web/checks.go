// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// check returns why a request is refused before it is known whose it is, or nil. The order is that of the package
// comment.
func (s *Site) check(r *http.Request) *refusal {
	given, ok := s.hosts.allow(r)
	switch {
	case !ok:
		return wrongHost
	case !ofSameSite(r):
		return otherSite
	case !ofSameOrigin(r, given):
		return otherOrigin
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default: // a preflight is OPTIONS
		return wrongMethod
	}
	// A second net: net/http's own judgment of requests that change something.
	if http.NewCrossOriginProtection().Check(r) != nil {
		return otherOrigin
	}
	switch {
	case len(r.Header.Values("Authorization")) > 0:
		return credentials
	case namesUser(r.Header):
		return impersonation
	case isUpgrade(r.Header):
		return upgrade
	case !isClean(r.URL):
		return notFound
	}
	return nil
}

// ofSameSite reports whether a browser says that the page or its user has made a request. Browsers say so of
// trustworthy addresses, as loopback and TLS are, also for GET, which has no Origin. A link on another site may open
// the page, whose files are the same for everybody, in a tab of its own.
func ofSameSite(r *http.Request) bool {
	opens := r.Method == http.MethodGet && (r.URL.Path == "/" || r.URL.Path == root) &&
		r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
	for _, site := range r.Header.Values("Sec-Fetch-Site") {
		if site != "same-origin" && site != "none" && !opens {
			return false
		}
	}
	return true
}

// ofSameOrigin reports whether the header Origin, if there is one, is the origin of the page. The host has been
// checked before. In front of a given host there may be a proxy that speaks TLS.
func ofSameOrigin(r *http.Request, given bool) bool {
	for _, origin := range r.Header.Values("Origin") {
		scheme, host, _ := strings.Cut(origin, "://")
		if !strings.EqualFold(host, r.Host) {
			return false
		}
		if secure := r.TLS != nil; (scheme != "https" || !secure && !given) && (scheme != "http" || secure) {
			return false
		}
	}
	return true
}

// namesUser reports whether a request asks for the rights of another user, as only clients of the API may.
func namesUser(header http.Header) bool {
	for name := range header {
		if strings.HasPrefix(name, "Impersonate-") || strings.HasPrefix(name, "X-Remote-") {
			return true
		}
	}
	return false
}

// isForwarded reports whether a header is one by which proxies tell from where a request comes. They aren't believed.
func isForwarded(name string) bool {
	return name == "Forwarded" || name == "X-Real-Ip" || strings.HasPrefix(name, "X-Forwarded-")
}

func isUpgrade(header http.Header) bool {
	if len(header.Values("Upgrade")) > 0 {
		return true
	}
	for _, value := range header.Values("Connection") {
		if strings.Contains(strings.ToLower(value), "upgrade") {
			return true
		}
	}
	return false
}

// hosts are the values that the header Host may have, in lower case, besides those of the loopback interface.
type hosts struct {
	port string
	// given and secure are those of Options.Hosts and of Options.TLSHosts.
	given, secure map[string]bool
}

func newHosts(options Options) hosts {
	h := hosts{port: strconv.Itoa(options.Port), given: map[string]bool{}, secure: map[string]bool{}}
	for _, name := range options.TLSHosts {
		h.secure[strings.ToLower(name)] = true
	}
	for _, host := range options.Hosts {
		name, port, ok := splitHost(host)
		switch {
		case !ok:
			continue
		case port == "":
			h.given[withoutPort(name)] = true
			port = h.port
		case port == "80" || port == "443": // a browser leaves out the port of the scheme
			h.given[withoutPort(name)] = true
		}
		h.given[net.JoinHostPort(name, port)] = true
	}
	return h
}

// allow reports whether the page is served under the Host of a request, and whether the options have given it. The
// loopback interface has addresses and one name that no name server can point elsewhere.
func (h hosts) allow(r *http.Request) (given, ok bool) {
	if h.given[strings.ToLower(r.Host)] {
		return true, true
	}
	name, port, ok := splitHost(r.Host)
	switch {
	case port == "" && r.TLS == nil:
		port = "80"
	case port == "":
		port = "443"
	}
	if !ok || port != h.port {
		return false, false
	}
	address, err := netip.ParseAddr(name)
	return false, name == "localhost" || err == nil && address.IsLoopback() || r.TLS != nil && h.secure[name]
}

// ValidHost reports whether a text can be one of Options.Hosts: a name or an address, with or without a port.
func ValidHost(host string) bool {
	_, _, ok := splitHost(host)
	return ok
}

// splitHost returns the parts of a host in lower case. The port is empty without one.
func splitHost(host string) (name, port string, ok bool) {
	name = strings.ToLower(host)
	if before, after, err := net.SplitHostPort(name); err == nil {
		name, port = before, after
		if number, err := strconv.Atoi(port); err != nil || number < 1 || number > 65535 {
			return "", "", false
		}
	} else if strings.HasPrefix(name, "[") && strings.HasSuffix(name, "]") {
		name = name[1 : len(name)-1]
	}
	if address, err := netip.ParseAddr(name); err == nil {
		return address.String(), port, address.Zone() == ""
	}
	return name, port, isHostName(name)
}

// isHostName reports whether a text in lower case consists of the characters of host names.
func isHostName(name string) bool {
	const alphanumeric = "abcdefghijklmnopqrstuvwxyz0123456789"
	return name != "" && len(name) <= 253 && strings.Trim(name, alphanumeric+"-.") == "" &&
		!strings.ContainsAny(name[:1]+name[len(name)-1:], "-.")
}

// withoutPort returns a name as it stands in a header without a port.
func withoutPort(name string) string {
	if strings.Contains(name, ":") {
		return "[" + name + "]"
	}
	return name
}
