// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package webpage

import (
	"context"
	"os"

	"k8s.io/client-go/rest"
)

// Opened is what has become of an address.
type Opened struct {
	// Address is the one to open by hand, with a code for one login. It is empty if a browser shows it.
	Address string
	// Why says why no browser shows it.
	Why error
}

// Opener returns a function that opens the page of a server at a resource of a Session, as the live view asks for it.
func Opener(server rest.Interface, session string) func(ctx context.Context, resource string) (string, error, error) {
	return func(ctx context.Context, resource string) (address string, why, err error) {
		opened, err := Show(ctx, AddressesOf(ctx, server, false), Route(session, resource))
		return opened.Address, opened.Why, err
	}
}

// Show opens the page at a route in the user's browser. The error is that of address.
func Show(ctx context.Context, address AddressFunc, route string) (Opened, error) {
	browser, why := FindBrowser(os.Getenv)
	if why == nil {
		text, err := address(true)
		if err != nil {
			return Opened{}, err
		}
		if why = browser.Open(ctx, At(text, route)); why == nil {
			return Opened{}, nil
		}
	}
	text, err := address(false)
	if err != nil {
		return Opened{}, err
	}
	return Opened{At(text, route), why}, nil
}
