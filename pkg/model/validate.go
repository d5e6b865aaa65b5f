// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/api/validate/content"
)

// WithDefaults returns a copy with defaults in place of zero values.
func (p Probe) WithDefaults() Probe {
	const host = "localhost"
	p.Period = cmp.Or(p.Period, 10*time.Second)
	p.Timeout = cmp.Or(p.Timeout, time.Second)
	p.SuccessThreshold = cmp.Or(p.SuccessThreshold, 1)
	p.FailureThreshold = cmp.Or(p.FailureThreshold, 3)
	if p.HTTPGet != nil {
		get := *p.HTTPGet
		get.Scheme, get.Host = cmp.Or(get.Scheme, "http"), cmp.Or(get.Host, host)
		get.Path = "/" + strings.TrimPrefix(get.Path, "/")
		p.HTTPGet = &get
	}
	if p.TCPSocket != nil {
		p.TCPSocket = &TCPSocketAction{Host: cmp.Or(p.TCPSocket.Host, host), Port: p.TCPSocket.Port}
	}
	return p
}

// Validate returns an error for an invalid probe. The probe has its defaults.
func (p Probe) Validate() error {
	if p.InitialDelay < 0 {
		return fmt.Errorf("initial_delay_secs must not be negative, got %v", p.InitialDelay.Seconds())
	}
	for _, n := range []struct {
		name  string
		value float64
	}{
		{"timeout_secs", p.Timeout.Seconds()},
		{"period_secs", p.Period.Seconds()},
		{"success_threshold", float64(p.SuccessThreshold)},
		{"failure_threshold", float64(p.FailureThreshold)},
	} {
		if n.value <= 0 {
			return fmt.Errorf("%s must be positive, got %v", n.name, n.value)
		}
	}
	switch exec, get, socket := p.Exec, p.HTTPGet, p.TCPSocket; {
	case exec != nil && get == nil && socket == nil:
		if len(exec.Argv) == 0 {
			return errors.New("exec: command must not be empty")
		}
		return nil
	case exec == nil && get != nil && socket == nil:
		if get.Scheme != "http" && get.Scheme != "https" {
			return fmt.Errorf("http_get: scheme must be http or https, got %q", get.Scheme)
		}
		return ValidatePort(get.Port)
	case exec == nil && get == nil && socket != nil:
		return ValidatePort(socket.Port)
	}
	return errors.New("exactly one of exec, http_get, or tcp_socket must be specified")
}

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
