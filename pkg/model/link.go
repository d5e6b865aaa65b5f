// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// NewLink returns a link to address, shown as name or, when that's empty, as it is. An address without a scheme gets
// http.
func NewLink(address, name string) (Link, error) {
	if strings.TrimSpace(address) == "" {
		return Link{}, errors.New("a link needs a URL")
	}
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil {
		return Link{}, fmt.Errorf("parsing link: %w", err)
	}
	if u.Scheme == "" || u.Host == "" && u.Scheme != "file" {
		return Link{}, fmt.Errorf("link %q isn't a complete URL", address)
	}
	return Link{Name: name, URL: u.String()}, nil
}
