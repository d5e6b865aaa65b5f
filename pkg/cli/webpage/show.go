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

// Open asks a server for an address of its page and opens it at a route in the user's browser.
func Open(ctx context.Context, server rest.Interface, route string) (Opened, error) {
	address, err := Address(ctx, server, false)
	if err != nil {
		return Opened{}, err
	}
	return Show(ctx, At(address, route)), nil
}

// Show opens an address in the user's browser.
func Show(ctx context.Context, address string) Opened {
	browser, err := FindBrowser(os.Getenv)
	if err == nil {
		err = browser.Open(ctx, address)
	}
	if err != nil {
		return Opened{address, err}
	}
	return Opened{}
}
