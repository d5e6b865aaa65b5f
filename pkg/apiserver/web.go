// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/endpoints/request"

	"tilt.dev/session/pkg/web"
)

const (
	// viewerName is the user name of logins that may only read.
	viewerName = ownerName + ":viewer"
	// loginExtra tells requests of the page from those with the owner's token, for example in an audit log.
	loginExtra = "session.tilt.dev/login"
)

// WebOptions configure the page: see package web. Browsers reach it on the port of the API: without TLS at a loopback
// address, and over TLS if the serving certificate is one of files.
type WebOptions struct {
	// Off serves neither the page nor its logins.
	Off bool
	// AllowedHosts are names, with or without a port, by which browsers may reach the page, besides "localhost", the
	// loopback addresses, and over TLS those that the server is bound to.
	AllowedHosts []string
}

// validate returns an error for each name that can't be in the header Host.
func (o *WebOptions) validate() (errs []error) {
	for _, host := range o.AllowedHosts {
		if !web.ValidHost(host) {
			errs = append(errs, fmt.Errorf("--web-allowed-hosts: %q is not of the form HOST or HOST:PORT", host))
		}
	}
	return errs
}

// withPage serves the page, and the API to its logins, in front of the handler of the API.
func (c *Config) withPage(api http.Handler) http.Handler {
	if c.options.Web.Off {
		return api
	}
	var own []string // names over TLS
	if c.options.TLS.CertFile != "" {
		machine := machineAt(c.listener.Addr())
		own = machine.Names
		for _, address := range machine.Addresses {
			own = append(own, address.String())
		}
	}
	extra := map[string][]string{loginExtra: {"browser"}}
	site := web.New(web.Options{
		API:      api,
		Port:     c.port(),
		Hosts:    c.options.Web.AllowedHosts,
		TLSHosts: own,
		Owner:    &user.DefaultInfo{Name: ownerName, Groups: []string{user.SystemPrivilegedGroup}, Extra: extra},
		Viewer:   &user.DefaultInfo{Name: viewerName, Groups: []string{ViewersGroup}, Extra: extra},
	})
	c.site, c.listener.plain.handler = site, site
	if c.options.TLS.CertFile == "" {
		return api
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if site.Serves(r) {
			site.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(w, r)
	})
}

// port returns the port that the server is bound to, 0 if it has none.
func (c *Config) port() int {
	if tcp, ok := c.listener.Addr().(*net.TCPAddr); ok {
		return tcp.Port
	}
	return 0
}

// authenticatePage authenticates requests of the page, which have logged in.
func authenticatePage(r *http.Request) (*authenticator.Response, bool, error) {
	info, ok := web.User(r.Context())
	if !ok {
		return nil, false, nil
	}
	return &authenticator.Response{User: info}, true, nil
}

// WebURL returns the address of the page with a new code in it for this process, which is valid once. A login with the
// code has the owner's rights, or may only read. It returns an error if the server doesn't serve the page, or not at an
// address that is safe for a browser.
func (s *Server) WebURL(asked web.NewCode) (string, error) { return s.webURL(asked, os.Geteuid()) }

func (s *Server) webURL(asked web.NewCode, client int) (string, error) {
	base, err := s.config.pageURL()
	if err != nil {
		return "", err
	}
	return base + "#login=" + s.config.site.NewCode(asked, client), nil
}

// pageURL returns the address of the page.
func (c *Config) pageURL() (string, error) {
	if c.site == nil {
		return "", errors.New("the server serves no web page")
	}
	tcp, ok := c.listener.Addr().(*net.TCPAddr)
	if !ok {
		return "", fmt.Errorf("the server is bound to %s, which browsers can't reach", c.listener.Addr())
	}
	port := strconv.Itoa(tcp.Port)
	switch {
	case c.options.TLS.CertFile != "":
		return "https://" + c.pageHost(tcp) + "/ui/", nil
	case tcp.IP.IsLoopback():
		return "http://" + net.JoinHostPort(tcp.IP.String(), port) + "/ui/", nil
	case tcp.IP.IsUnspecified() && tcp.IP.To4() != nil:
		return "http://127.0.0.1:" + port + "/ui/", nil
	case tcp.IP.IsUnspecified():
		return "http://[::1]:" + port + "/ui/", nil
	}
	return "", fmt.Errorf("the web page is served at loopback addresses only, or with --tls-cert-file, "+
		"and the server is bound to %s; use \"tilt-session ui\" on the machine of the browser", tcp)
}

// pageHost returns the name and port of the server for browsers that use TLS.
func (c *Config) pageHost(bound *net.TCPAddr) string {
	port := strconv.Itoa(bound.Port)
	if hosts := c.options.Web.AllowedHosts; len(hosts) > 0 {
		if _, _, err := net.SplitHostPort(hosts[0]); err == nil {
			return hosts[0]
		}
		return net.JoinHostPort(strings.Trim(hosts[0], "[]"), port)
	}
	if !bound.IP.IsUnspecified() && !bound.IP.IsLoopback() {
		return net.JoinHostPort(bound.IP.String(), port)
	}
	if names := machineAt(bound).Names; !bound.IP.IsLoopback() && len(names) > 1 {
		return net.JoinHostPort(names[1], port) // the first one is localhost
	}
	return "localhost:" + port
}

// serveCodes answers requests for a code, of users who have all rights: a login has those of the owner.
func (s *Server) serveCodes(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	info, ok := request.UserFrom(r.Context())
	var asked web.NewCode
	switch {
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "ask for a code by POST", http.StatusMethodNotAllowed)
		return
	case !ok || !slices.Contains(info.GetGroups(), user.SystemPrivilegedGroup):
		http.Error(w, "only members of "+user.SystemPrivilegedGroup+" may log in to the page", http.StatusForbidden)
		return
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&asked); err != nil {
		http.Error(w, "decode the request: "+err.Error(), http.StatusBadRequest)
		return
	}
	url, err := s.webURL(asked, web.ClientUser(r))
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	answer, err := json.Marshal(web.Code{URL: url})
	if err != nil {
		http.Error(w, "encode the answer: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(answer)
}
