// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubernetes

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"go.starlark.net/starlark"
	"k8s.io/apimachinery/pkg/util/validation"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/builtins"
)

// portForward is what port_forward() returns.
type portForward struct{ model.PortForward }

var _ starlark.Value = portForward{}

// String returns the call that makes the value.
func (p portForward) String() string {
	return fmt.Sprintf("port_forward(local_port=%d, container_port=%d, name=%q, link_path=%q, host=%q)",
		p.Local, p.Container, p.Name, p.Path, p.Host)
}
func (p portForward) Type() string          { return "port_forward" }
func (p portForward) Freeze()               {}
func (p portForward) Truth() starlark.Bool  { return true }
func (p portForward) Hash() (uint32, error) { return starlark.String(p.String()).Hash() }

// makePortForward is port_forward(local_port, container_port=0, name="", link_path="", host=""). The ports and the
// host are checked where the value is used.
func makePortForward(a struct {
	Local     int    `arg:"local_port"`
	Container int    `arg:"container_port??"`
	Name      string `arg:"name??"`
	LinkPath  string `arg:"link_path??"`
	Host      string `arg:"host??"`
}) (starlark.Value, error) {
	if _, err := url.Parse(a.LinkPath); err != nil {
		return nil, fmt.Errorf("invalid link_path: %w", err)
	}
	return portForward{model.PortForward{
		Host: a.Host, Local: a.Local, Container: a.Container, Name: a.Name, Path: a.LinkPath,
	}}, nil
}

// portForwards is a port forward or a list of them: a local port as an int, "LOCAL", "LOCAL:CONTAINER" or
// "HOST:LOCAL:CONTAINER" as a string, or port_forward().
type portForwards []model.PortForward

// Unpack implements starlark.Unpacker.
func (l *portForwards) Unpack(v starlark.Value) error {
	for _, element := range builtins.ElementsOf(v) {
		forward, err := portForwardOf(element)
		if err != nil {
			return err
		}
		*l = append(*l, forward)
	}
	return nil
}

func portForwardOf(v starlark.Value) (forward model.PortForward, err error) {
	switch v := v.(type) {
	case starlark.Int:
		port, ok := v.Int64()
		if !ok {
			return forward, rangeError(v)
		}
		forward.Local = int(port)
	case starlark.String:
		if forward, err = parsePortForward(string(v)); err != nil {
			return forward, err
		}
	case portForward:
		forward = v.PortForward
	default:
		return forward, fmt.Errorf("got %s: port_forwards must be an int, a port_forward, or a sequence of those",
			v.Type())
	}
	return forward, checkPortForward(forward)
}

// parsePortForward parses "LOCAL", "LOCAL:CONTAINER" or "HOST:LOCAL:CONTAINER".
func parsePortForward(text string) (forward model.PortForward, err error) {
	parts := strings.Split(text, ":")
	if len(parts) == 3 {
		if forward.Host = parts[0]; forward.Host == "" {
			return forward, errors.New("the host of a port forward must not be empty")
		}
		parts = parts[1:]
	}
	if len(parts) > 2 {
		return forward, fmt.Errorf("invalid port forward %q: must be LOCAL, LOCAL:CONTAINER or HOST:LOCAL:CONTAINER", text)
	}
	for i, port := range []*int{&forward.Local, &forward.Container}[:len(parts)] {
		*port, err = strconv.Atoi(parts[i])
		if err != nil {
			return forward, fmt.Errorf("invalid port forward %q: port %q is not a number", text, parts[i])
		}
	}
	return forward, nil
}

func checkPortForward(p model.PortForward) error {
	for _, port := range []int{p.Local, p.Container} {
		if port < 0 || port > 65535 {
			return rangeError(port)
		}
	}
	// An IPv4 address is a valid name too.
	if problems := validation.IsDNS1123Subdomain(strings.ToLower(p.Host)); p.Host != "" && len(problems) > 0 {
		return fmt.Errorf("portForward host value %q is not a valid hostname or IP address", p.Host)
	}
	return nil
}

func rangeError(port any) error {
	return fmt.Errorf("portForward port value %v is not in the valid range [0-65535]", port)
}
