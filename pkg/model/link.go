// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// NewLink returns a link to address, with an optional name. An address without a scheme gets http.
func NewLink(address, name string) (Link, error) {
	if strings.TrimSpace(address) == "" {
		return Link{}, errors.New("the URL of a link must not be empty")
	}
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil {
		return Link{}, err
	}
	if u.Scheme == "" || u.Host == "" && u.Scheme != "file" {
		return Link{}, fmt.Errorf("link %q is not a complete URL", address)
	}
	return Link{Name: name, URL: u.String()}, nil
}
