// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Defaults of a readiness probe.
const (
	DefaultProbePeriod           = 10 * time.Second
	DefaultProbeTimeout          = time.Second
	DefaultProbeSuccessThreshold = 1
	DefaultProbeFailureThreshold = 3
	// DefaultProbeHost is the host for HTTP and TCP checks.
	DefaultProbeHost = "localhost"
)

// WithDefaults returns a copy with defaults in place of zero values.
func (p Probe) WithDefaults() Probe {
	setDefault(&p.Period, DefaultProbePeriod)
	setDefault(&p.Timeout, DefaultProbeTimeout)
	setDefault(&p.SuccessThreshold, DefaultProbeSuccessThreshold)
	setDefault(&p.FailureThreshold, DefaultProbeFailureThreshold)
	if p.HTTPGet != nil {
		get := *p.HTTPGet
		setDefault(&get.Scheme, "http")
		setDefault(&get.Host, DefaultProbeHost)
		if !strings.HasPrefix(get.Path, "/") {
			get.Path = "/" + get.Path
		}
		p.HTTPGet = &get
	}
	if p.TCPSocket != nil {
		socket := *p.TCPSocket
		setDefault(&socket.Host, DefaultProbeHost)
		p.TCPSocket = &socket
	}
	return p
}

func setDefault[T comparable](value *T, def T) {
	var zero T
	if *value == zero {
		*value = def
	}
}

// Validate returns an error for an invalid probe. The probe has its defaults.
func (p Probe) Validate() error {
	if err := p.validateNumbers(); err != nil {
		return err
	}
	return p.validateAction()
}

func (p Probe) validateNumbers() error {
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
	return nil
}

func (p Probe) validateAction() error {
	actions := 0
	for _, set := range []bool{p.Exec != nil, p.HTTPGet != nil, p.TCPSocket != nil} {
		if set {
			actions++
		}
	}
	switch {
	case actions != 1:
		return errors.New("exactly one of exec, http_get, or tcp_socket must be specified")
	case p.Exec != nil:
		if len(p.Exec.Argv) == 0 {
			return errors.New("exec: command must not be empty")
		}
		return nil
	case p.TCPSocket != nil:
		return ValidatePort(p.TCPSocket.Port)
	}
	if scheme := p.HTTPGet.Scheme; scheme != "http" && scheme != "https" {
		return fmt.Errorf("http_get: scheme must be http or https, got %q", scheme)
	}
	return ValidatePort(p.HTTPGet.Port)
}
