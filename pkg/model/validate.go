// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/api/validate/content"
)

// ValidateName returns an error for a resource name that isn't valid in an API path, doesn't fit on one line, or is
// the name of the Tiltfile itself.
func ValidateName(name string) error {
	switch {
	case name == "":
		return errors.New("must not be empty")
	case name == TiltfileResource:
		return fmt.Errorf("invalid value %q: must not be the name of the Tiltfile", name)
	case !utf8.ValidString(name):
		return fmt.Errorf("invalid value %q: must be valid UTF-8", name)
	case strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("invalid value %q: may not contain control characters", name)
	}
	if problems := content.IsPathSegmentName(name); len(problems) > 0 {
		return fmt.Errorf("invalid value %q: %s", name, strings.Join(problems, ", "))
	}
	return nil
}

// ValidateLabel returns an error for a label that isn't the name part of a Kubernetes label.
func ValidateLabel(label string) error {
	if strings.Contains(label, "/") {
		return fmt.Errorf("invalid label %q: may not contain '/'", label)
	}
	if problems := content.IsLabelKey(label); len(problems) > 0 {
		return fmt.Errorf("invalid label %q: %s", label, strings.Join(problems, ", "))
	}
	return nil
}

// ValidatePort returns an error for a port out of range.
func ValidatePort(port int) error {
	if port < 1 || port > 65535 {
		return fmt.Errorf("port number out of range: %d", port)
	}
	return nil
}

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
