// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// Web are the flags for the web page of a server.
type Web struct {
	on bool
	// mode is Tilt's --web-mode, of which "off" alone has an effect.
	mode  string
	hosts []string
}

// AddFlag adds the flag that turns the page off.
func (w *Web) AddFlag(flags *pflag.FlagSet) {
	flags.BoolVar(&w.on, "web", true, `serve the web page, which "tilt-session ui" opens, on the port of the API`)
}

// AddModeFlag adds a flag that scripts give which were written for Tilt.
func (w *Web) AddModeFlag(flags *pflag.FlagSet) {
	flags.StringVar(&w.mode, "web-mode", "", "")
	flags.Lookup("web-mode").Hidden = true
}

// AddHostsFlag adds the flag for names of the page.
func (w *Web) AddHostsFlag(flags *pflag.FlagSet) {
	flags.StringSliceVar(&w.hosts, "web-allowed-hosts", nil,
		"more host names, with a port or without, by which browsers may ask for the web page, such as those of a proxy")
}

// On reports whether the page is served.
func (w *Web) On() bool { return w.on && w.mode != "off" }

// Check returns what is wrong with the flags.
func (w *Web) Check() (errs []error) {
	for _, host := range w.hosts {
		if err := checkAllowedHost(host); err != nil {
			errs = append(errs, fmt.Errorf("--web-allowed-hosts %q: %w", host, err))
		}
	}
	if len(w.hosts) > 0 && !w.On() {
		errs = append(errs, errors.New("--web-allowed-hosts must not be combined with --web=false"))
	}
	return errs
}

// checkAllowedHost checks what a browser sends in the header Host.
func checkAllowedHost(s string) error {
	name := s
	if host, port, err := net.SplitHostPort(s); err == nil && !strings.Contains(s, "/") {
		if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 {
			return fmt.Errorf("port %q must be a number from 1 to 65535", port)
		}
		name = host
	} else if inner, bracketed := strings.CutPrefix(s, "["); bracketed {
		name = strings.TrimSuffix(inner, "]")
	}
	if new(hostValue).Set(name) != nil {
		return errors.New("must be a host name or an IP address, without scheme and path")
	}
	return nil
}
