// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"os"
	"strconv"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/resource"

	"tilt.dev/session/pkg/tiltfile"
)

// endpoint names a running API server: where it listens, and by that under
// which context the kubeconfig has it.
type endpoint struct {
	host string
	port int
}

// The defaults are Tilt's, so that its command line finds us without flags.
const (
	defaultHost = "localhost"
	defaultPort = 10350
)

// addFlags adds --host and --port. Without them the environment decides; what
// TILT_PORT says isn't looked at before complete, which can tell that it's wrong.
func (e *endpoint) addFlags(cmd *cobra.Command) {
	e.host, e.port = os.Getenv("TILT_HOST"), defaultPort
	if e.host == "" {
		e.host = defaultHost
	}
	cmd.Flags().StringVar(&e.host, "host", e.host, "host the API listens on (environment: TILT_HOST)")
	cmd.Flags().IntVar(&e.port, "port", e.port, "port the API listens on; it names the kubeconfig's context (environment: TILT_PORT)")
}

// complete applies the environment where no flag was given and validates.
func (e *endpoint) complete(cmd *cobra.Command) error {
	if !cmd.Flags().Changed("port") {
		port, err := environmentPort(e.port)
		if err != nil {
			return err
		}
		e.port = port
	}
	if e.port < 0 || e.port > 65535 {
		return fmt.Errorf("port %d is out of range: it must be from 0 (any free port) to 65535", e.port)
	}
	return nil
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

// environmentPort is the port that the environment names, or the fallback.
func environmentPort(fallback int) (int, error) {
	env := os.Getenv("TILT_PORT")
	if env == "" {
		return fallback, nil
	}
	port, err := strconv.Atoi(env)
	if err != nil {
		return 0, fmt.Errorf("environment variable TILT_PORT: %q is not a number", env)
	}
	return port, nil
}
