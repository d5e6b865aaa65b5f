// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/web"
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
		if !web.ValidHost(host) {
			errs = append(errs, fmt.Errorf("--web-allowed-hosts %q must have the form HOST or HOST:PORT", host))
		}
	}
	if len(w.hosts) > 0 && !w.On() {
		errs = append(errs, errors.New("--web-allowed-hosts must not be combined with --web=false"))
	}
	return errs
}

// Options are those of the server.
func (w *Web) Options() apiserver.WebOptions {
	return apiserver.WebOptions{Off: !w.On(), AllowedHosts: w.hosts}
}
