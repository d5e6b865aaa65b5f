// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"
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
