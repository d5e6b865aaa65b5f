// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	netutils "k8s.io/utils/net"

	"tilt.dev/session/pkg/tiltfile"
)

// SessionName is the name of the Session of up and ci, as in Tilt.
const SessionName = "Tiltfile"

// DataDirFlag names the flag for the directory of a file storage.
const DataDirFlag = "data-dir"

// environment has the variables that stand for a flag that isn't given.
var environment = []struct{ variable, flag string }{
	{"TILT_HOST", "host"}, {"TILT_PORT", "port"}, {"TILT_PORT", "secure-port"},
}

// mayBeEmpty are the flags of which an empty value has a meaning. Hidden flags have no effect.
var mayBeEmpty = []string{"requestheader-allowed-names"}

// Prepare applies the environment to the flags of a command, and returns an error for
// each flag with an empty value, such as that of a shell variable that isn't set.
func Prepare(cmd *cobra.Command, _ []string) error {
	errs := []error{ApplyEnvironment(cmd)}
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		values := []string{flag.Value.String()}
		if list, ok := flag.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		if !flag.Hidden && !slices.Contains(mayBeEmpty, flag.Name) && !slices.ContainsFunc(values, IsNotBlank) {
			errs = append(errs, emptyFlag(flag))
		}
	})
	if err := errors.Join(errs...); err != nil {
		return WithCode(ExitUsage, "%w", err)
	}
	return nil
}

func emptyFlag(flag *pflag.Flag) error {
	if flag.DefValue == "" && flag.Name != DataDirFlag {
		return fmt.Errorf("--%s must not be empty; omit it instead", flag.Name)
	}
	return fmt.Errorf("--%s must not be empty; omit it to use the default", flag.Name)
}

// WrongFlag describes an error of the flag parser.
func WrongFlag(cmd *cobra.Command, err error) error {
	invalid := new(pflag.InvalidValueError)
	if errors.As(err, &invalid) && IsBlank(invalid.GetValue()) {
		err = emptyFlag(invalid.GetFlag())
	}
	return WrongUsage(cmd, err)
}

// ApplyEnvironment sets flags that aren't given from environment variables.
func ApplyEnvironment(cmd *cobra.Command) (err error) {
	for _, e := range environment {
		flag, value := cmd.Flags().Lookup(e.flag), os.Getenv(e.variable)
		if flag == nil || flag.Changed || value == "" {
			continue
		}
		if wrong := flag.Value.Set(value); wrong != nil {
			err = errors.Join(err, fmt.Errorf("environment variable %s: %q: %w", e.variable, value, wrong))
		}
	}
	return err
}

// IsBlank reports whether a text has nothing but white space.
func IsBlank(s string) bool { return strings.TrimSpace(s) == "" }

// IsNotBlank is the opposite of IsBlank.
func IsNotBlank(s string) bool { return !IsBlank(s) }

// CheckNotNegative returns an error for a negative value; zero says what 0 means.
func CheckNotNegative[T int | time.Duration](flag string, value T, zero string) error {
	if value < 0 {
		return fmt.Errorf("--%s %v is negative; use 0 %s", flag, value, zero)
	}
	return nil
}

// AddKillGrace adds the flag --kill-grace.
func AddKillGrace(flags *pflag.FlagSet, grace *time.Duration) {
	flags.DurationVar(grace, "kill-grace", 10*time.Second,
		"time from SIGTERM to SIGKILL for processes that don't end")
}

// Endpoint is where an API server listens. Its port names the context in the kubeconfig.
type Endpoint struct {
	Host string
	Port int
}

// DefaultPort is Tilt's, so that its command line finds the server without flags.
const DefaultPort = 10350

// AddFlags adds --host and --port.
func (e *Endpoint) AddFlags(cmd *cobra.Command) {
	e.Host, e.Port = "localhost", DefaultPort
	cmd.Flags().Var((*hostValue)(&e.Host), "host",
		"host name or IP address that the API listens on; "+
			"localhost is ::1 on a machine without 127.0.0.1 (environment: TILT_HOST)")
	cmd.Flags().Var((*portValue)(&e.Port), "port",
		"port that the API listens on, 0 for any free port; it names the context in the kubeconfig (environment: TILT_PORT)")
}

// AddClientFlags adds them for a command that looks for a running server.
func (e *Endpoint) AddClientFlags(cmd *cobra.Command) {
	e.AddFlags(cmd)
	cmd.Flags().Lookup("port").Usage =
		"port that the API listens on; it names the context in the kubeconfig (environment: TILT_PORT)"
}

// CheckPort returns an error for the port of a server that should be running.
func (e *Endpoint) CheckPort() error {
	if e.Port == 0 {
		return WithCode(ExitUsage, "--port 0 names no running Session; use the port that its API listens on")
	}
	return nil
}

// hostValue is a host name or an IP address to listen on. Names aren't looked up.
type hostValue string

func (v *hostValue) String() string { return string(*v) }
func (v *hostValue) Type() string   { return "string" }

func (v *hostValue) Set(s string) error {
	ip := net.ParseIP(s)
	*v = hostValue(s)
	switch {
	case ip != nil && (ip.IsMulticast() || ip.Equal(net.IPv4bcast)):
		return errors.New("must not be a multicast or broadcast address")
	case ip != nil:
		return nil
	case IsBlank(s):
		return errors.New("must not be empty")
	case strings.Trim(s, "0123456789.") == "", len(validation.IsDNS1123Subdomain(hostName(s))) > 0:
		return errors.New("must be a host name or an IP address, without scheme, port, brackets or zone")
	}
	return nil
}

// hostName is a name in the form that DNS labels are checked in.
func hostName(s string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimSuffix(s, "."), "_", "-"))
}

// portValue is a TCP port, or 0.
type portValue int

func (v *portValue) String() string { return strconv.Itoa(int(*v)) }
func (v *portValue) Type() string   { return "int" }

func (v *portValue) Set(s string) error {
	port, err := netutils.ParsePort(s, true)
	if err != nil {
		return errors.New("must be a port number from 0 to 65535")
	}
	*v = portValue(port)
	return nil
}

// CompleteDataDir makes the directory that the flag names absolute, or sets the default without the flag.
func CompleteDataDir(cmd *cobra.Command, dir *string) (err error) {
	if !cmd.Flags().Changed(DataDirFlag) {
		if *dir, err = StateDir(os.Getenv); err != nil {
			return fmt.Errorf("--data-dir is required, as %w", err)
		}
		return nil
	}
	if info, err := os.Stat(*dir); err == nil && !info.IsDir() {
		return fmt.Errorf("--data-dir %s is not a directory", *dir)
	}
	if *dir, err = filepath.Abs(*dir); err != nil {
		return fmt.Errorf("--data-dir: %w", err)
	}
	return nil
}

// StateDir is the directory for what this program keeps of a user.
func StateDir(getenv func(string) string) (string, error) {
	if state := getenv("XDG_STATE_HOME"); filepath.IsAbs(state) {
		return filepath.Join(state, "tilt-session"), nil
	}
	home := getenv("HOME")
	if home == "" {
		return "", errors.New("neither $XDG_STATE_HOME nor $HOME is set")
	}
	return filepath.Join(home, ".local", "state", "tilt-session"), nil
}

// EnvironmentDataSize is how many bytes of data a Tiltfile may read according to the
// environment, 0 where that doesn't say.
func EnvironmentDataSize() (int64, error) {
	env := os.Getenv(tiltfile.DataSizeVariable)
	if env == "" {
		return 0, nil
	}
	size, err := resource.ParseQuantity(env)
	if err != nil || size.Value() < 1 || size.Value() > 1<<40 {
		return 0, fmt.Errorf("environment variable %s: %q is not a number of bytes such as 256Mi",
			tiltfile.DataSizeVariable, env)
	}
	return size.Value(), nil
}
