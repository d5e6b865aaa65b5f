// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"k8s.io/client-go/rest"
)

// errCredentials is why the answer of an API server that doesn't know the user isn't passed on: the page would take it
// for one to its own login.
var errCredentials = errors.New("the API server doesn't accept the credentials of the kubeconfig")

// forwardedHeaders are the headers of requests that a proxy passes on. The browser's credentials aren't among them.
var forwardedHeaders = []string{
	"Accept", "Accept-Encoding", "Content-Encoding", "Content-Type", "If-Match", "If-None-Match",
}

// answeredHeaders are the headers of answers that a proxy passes on. A Site sets those that protect the page.
var answeredHeaders = []string{
	"Audit-Id", "Content-Encoding", "Content-Length", "Content-Type", "Date", "Etag", "Last-Modified", "Retry-After",
	"Vary", "Warning",
}

// NewProxy returns a handler that passes requests for the paths that the page needs to an API server, with the
// credentials of config, and answers others with 404. It believes its callers: a Site must be in front of it. It
// follows no redirect, and passes on neither cookies nor headers that name users.
func NewProxy(config *rest.Config) (http.Handler, error) {
	target, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, fmt.Errorf("read the address of the API server: %w", err)
	}
	transport, err := rest.TransportFor(config)
	if err != nil {
		return nil, fmt.Errorf("configure the connection to %s: %w", target.Host, err)
	}
	proxy := &httputil.ReverseProxy{
		Transport:      finalAnswers{transport},
		FlushInterval:  -1, // watches and logs are streams
		ErrorLog:       log.New(io.Discard, "", 0),
		Rewrite:        func(p *httputil.ProxyRequest) { rewrite(p, target) },
		ModifyResponse: modify,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			writeStatus(w, http.StatusBadGateway, "", fmt.Sprintf("request to %s: %v", target.Host, err))
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !isAPI(r.URL):
			notFound.write(w, r)
		case isUpgrade(r.Header):
			upgrade.write(w, r)
		default:
			proxy.ServeHTTP(w, r)
		}
	}), nil
}

// finalAnswers is a transport that drops what an API server sends before its answer, such as 103 Early Hints: a
// ReverseProxy would pass on all headers of these, and remove those that have been set for the answer.
type finalAnswers struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper. The values of the request's context have the ReverseProxy's trace.
func (t finalAnswers) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	context.AfterFunc(r.Context(), func() { cancel(context.Cause(r.Context())) }) // at the latest when r has been answered
	return t.RoundTripper.RoundTrip(r.WithContext(ctx))
}

func rewrite(p *httputil.ProxyRequest, target *url.URL) {
	p.SetURL(target)
	p.Out.Header = only(p.In.Header, forwardedHeaders)
}

// modify makes what an API server answers safe to pass on.
func modify(response *http.Response) error {
	switch code := response.StatusCode; {
	case code == http.StatusUnauthorized:
		return errCredentials
	case code == http.StatusSwitchingProtocols, code/100 == 3 && code != http.StatusNotModified:
		return fmt.Errorf("the API server answered with %q", strings.TrimSpace(response.Status))
	}
	response.Header = only(response.Header, answeredHeaders)
	return nil
}

// only returns the headers with the given names.
func only(header http.Header, names []string) http.Header {
	kept := http.Header{}
	for _, name := range names {
		if values := header.Values(name); len(values) > 0 {
			kept[name] = values
		}
	}
	return kept
}
