// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package webpage leads users to the web page: it asks a server for an address with a code that logs in once, opens
// it in the browser, and serves the page itself for an API that is elsewhere. What the page is and who may use it is a
// matter of package web.
package webpage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"tilt.dev/session/pkg/web"
)

// ErrNotServed is the error of a server that has no page.
var ErrNotServed = errors.New("the server has no web page")

// AddressFunc returns an address of the page with a new code for one login. opens is true if it is opened by a command,
// whose arguments other users can read, and false if a person opens it.
type AddressFunc func(opens bool) (string, error)

// AddressesOf asks a server for addresses of its page. Another error than ErrNotServed is that of a request.
func AddressesOf(ctx context.Context, server rest.Interface, viewOnly bool) AddressFunc {
	return func(opens bool) (string, error) {
		return askFor(ctx, server, web.NewCode{ViewOnly: viewOnly, Opens: opens})
	}
}

func askFor(ctx context.Context, server rest.Interface, code web.NewCode) (string, error) {
	body, err := json.Marshal(code)
	if err != nil {
		return "", fmt.Errorf("encode the request for a code: %w", err)
	}
	answer, err := server.Post().AbsPath(web.CodesPath).
		SetHeader("Content-Type", "application/json").SetHeader("Accept", "application/json").
		Body(body).DoRaw(ctx)
	switch {
	case apierrors.IsNotFound(err), apierrors.IsMethodNotSupported(err):
		return "", ErrNotServed
	case apierrors.IsAlreadyExists(err), apierrors.IsConflict(err): // The client takes 409 for one of the two.
		return "", fmt.Errorf("%w: %s", ErrNotServed, plainText(err))
	case apierrors.IsForbidden(err):
		return "", apierrors.NewForbidden(schema.GroupResource{Resource: "logins"}, "", errors.New(plainText(err)))
	case err != nil:
		return "", err
	}
	var made web.Code
	if err := json.Unmarshal(answer, &made); err != nil {
		return "", fmt.Errorf("read the answer to the request for a code: %w", err)
	}
	if at, err := url.Parse(made.URL); err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" {
		return "", fmt.Errorf("the server has answered the request for a code with %q, which is no address", made.URL)
	}
	return made.URL, nil
}

// plainText is what a server has answered in words, which clients of the API keep aside.
func plainText(err error) string {
	if answer := apierrors.APIStatus(nil); errors.As(err, &answer) && answer.Status().Details != nil {
		for _, cause := range answer.Status().Details.Causes {
			if cause.Type == metav1.CauseTypeUnexpectedServerResponse {
				return strings.TrimSpace(cause.Message)
			}
		}
	}
	return err.Error()
}

// Route is the place of a resource on the page, of a Session without a resource, and of the list of Sessions without
// both.
func Route(session, resource string) string {
	switch {
	case session == "":
		return ""
	case resource == "":
		return "/s/" + url.PathEscape(session)
	}
	return "/s/" + url.PathEscape(session) + "/r/" + url.PathEscape(resource)
}

// At is an address of an AddressFunc that leads to a route after the login.
func At(address, route string) string {
	if route == "" {
		return address
	}
	return address + "&to=" + url.QueryEscape(route)
}
