// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/resource"

	"tilt.dev/session/pkg/tiltfile"
)

// endpoint names a running API server: where it listens, and by that under
// which context the kubeconfig has it.
type endpoint struct {
	host string
	port int
	// hostFrom is what host was taken from.
	hostFrom string
}

// The defaults are Tilt's, so that its command line finds us without flags.
const (
	defaultHost = "localhost"
	defaultPort = 10350
)

// addFlags adds --host and --port. Without them the environment decides; what
// TILT_HOST and TILT_PORT say isn't looked at before complete, which can tell
// that it's wrong.
func (e *endpoint) addFlags(cmd *cobra.Command) {
	e.host, e.port = os.Getenv("TILT_HOST"), defaultPort
	if e.host == "" {
		e.host = defaultHost
	}
	cmd.Flags().StringVar(&e.host, "host", e.host, "host the API listens on; localhost is ::1 where there's no 127.0.0.1 (environment: TILT_HOST)")
	cmd.Flags().IntVar(&e.port, "port", e.port, "port the API listens on; it names the kubeconfig's context (environment: TILT_PORT)")
}

// complete applies the environment where no flag was given and returns everything
// that's wrong.
func (e *endpoint) complete(cmd *cobra.Command) error {
	e.hostFrom = "environment variable TILT_HOST:"
	if cmd.Flags().Changed("host") {
		e.hostFrom = "--host"
	}
	return errors.Join(e.checkHost(), e.completePort(cmd))
}

// completeClient is complete for a server that runs already.
func (e *endpoint) completeClient(cmd *cobra.Command) error {
	err := e.complete(cmd)
	if err == nil && e.port == 0 {
		return errors.New("--port 0 names no running Session: use the port that it listens on")
	}
	return err
}

func (e *endpoint) completePort(cmd *cobra.Command) error {
	if cmd.Flags().Changed("port") {
		return checkPort("--port", e.port)
	}
	port, err := environmentPort(e.port)
	e.port = port
	return err
}

// environmentDataSize is how much data a Tiltfile may read at once by the
// environment, 0 where that says nothing.
func environmentDataSize() (int64, error) {
	const most = 1 << 40
	env := os.Getenv(tiltfile.DataSizeVariable)
	if env == "" {
		return 0, nil
	}
	size, err := resource.ParseQuantity(env)
	if err != nil || size.Value() < 1 || size.Value() > most {
		return 0, fmt.Errorf("environment variable %s: %q is not a number of bytes such as 256Mi", tiltfile.DataSizeVariable, env)
	}
	return size.Value(), nil
}

// checkDataSize refuses a size of data that isn't one.
func checkDataSize() error {
	_, err := environmentDataSize()
	return err
}

// environmentPort is the port that the environment names, or the fallback.
func environmentPort(fallback int) (int, error) {
	env := os.Getenv("TILT_PORT")
	if env == "" {
		return fallback, nil
	}
	port, err := strconv.Atoi(env)
	if err != nil {
		return fallback, fmt.Errorf("environment variable TILT_PORT: %q is not a number", env)
	}
	if err := checkPort("environment variable TILT_PORT:", port); err != nil {
		return fallback, err
	}
	return port, nil
}

func checkPort(from string, port int) error {
	if port < 0 || port > 65535 {
		return fmt.Errorf("%s %d is out of range: it must be from 0 (any free port) to 65535", from, port)
	}
	return nil
}

// checkHost refuses what is neither a host name nor an IP address to listen on.
// Whether a name has an address isn't asked.
func (e *endpoint) checkHost() error {
	wrong := func(why string) error { return fmt.Errorf("%s %q %s", e.hostFrom, e.host, why) }
	if ip := net.ParseIP(e.host); ip != nil {
		if ip.IsMulticast() || ip.Equal(net.IPv4bcast) {
			return wrong("is a multicast or broadcast address: give one of this machine")
		}
		return nil
	}
	_, _, notSplit := net.SplitHostPort(e.host)
	switch {
	case isBlank(e.host):
		return fmt.Errorf("%s must not be empty; omit it to use the default", e.hostFrom)
	case strings.Contains(e.host, "://"):
		return wrong("is a URL: give the host name or IP address in it")
	case notSplit == nil:
		return wrong("has a port: give it by --port")
	case strings.HasPrefix(e.host, "["):
		return wrong("has brackets: give an IPv6 address without them")
	case strings.Contains(e.host, "%"):
		return wrong("has a zone: give an address that needs none")
	case strings.Trim(e.host, "0123456789.") == "":
		return wrong("is not an IP address")
	case strings.HasPrefix(e.host, "-"), strings.ContainsFunc(e.host, notInHostName):
		return wrong("is neither a host name nor an IP address")
	}
	return nil
}

func notInHostName(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(".-_", r)
}
