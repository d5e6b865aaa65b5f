// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/host"
	"tilt.dev/session/pkg/private"
	"tilt.dev/session/pkg/storage"
)

// options are those of the command serve.
type options struct {
	server  *apiserver.Options
	address host.Address
	// storage is where Sessions are kept, dataDir its directory if that's a file.
	storage, dataDir string
	// etcd is where Sessions are kept that several servers share.
	etcd storage.EtcdOptions
	// runSessions has the Sessions run by this process, maxRunning of them at a time, 0 for all.
	runSessions bool
	// housekeeping has this process look after the Sessions that Runners elsewhere run.
	housekeeping bool
	maxRunning   int
	// kubeconfigOut is a file of its own for the kubeconfig, none if empty.
	kubeconfigOut string
	// targets are for the Sessions that this process runs.
	targets   command.Targets
	killGrace time.Duration
	web       command.Web
	verbosity uint16
	// maxDataSize is from the environment.
	maxDataSize int64
}

func newOptions(version string) *options {
	o := &options{server: apiserver.NewOptions(), storage: storageFile, etcd: storage.NewEtcdOptions(), runSessions: true}
	o.server.Port, o.server.Version = command.DefaultPort, version
	return o
}

func (o *options) addFlags(cmd *cobra.Command, p command.Program) {
	flags := cmd.Flags()
	o.server.AddFlags(flags)
	flags.StringVar(&o.storage, "storage", o.storage,
		`where Sessions are kept: "file", "memory" until the end of this process, or "etcd", which --etcd-servers implies`)
	o.etcd.AddFlags(flags)
	flags.StringVar(&o.dataDir, command.DataDirFlag, "",
		"directory of the file storage (default $XDG_STATE_HOME/tilt-session, or ~/.local/state/tilt-session)")
	flags.BoolVar(&o.runSessions, "run-sessions", o.runSessions,
		"run the Sessions; without it, and in etcd, Sessions are served for runners elsewhere")
	flags.BoolVar(&o.housekeeping, "housekeeping", true,
		"where Sessions are served for runners: end those of lost runners, delete expired ones, and say why none is claimed")
	flags.IntVar(&o.maxRunning, "max-running", 0,
		"how many Sessions run at a time, 0 for all; the others wait in the order of their creation")
	flags.StringVar(&o.kubeconfigOut, "kubeconfig-out", "",
		"file to write a kubeconfig for this server to, which is removed at the end")
	o.targets.AddFlags(flags)
	o.targets.AddDeployFlags(flags)
	command.AddKillGrace(flags, &o.killGrace)
	o.web.AddFlag(flags)
	o.web.AddHostsFlag(flags)
	p.AddVerbosity(flags, &o.verbosity)
}

// complete sets what follows from the command line and returns all of its errors, in
// the order of the flags in the help.
func (o *options) complete(cmd *cobra.Command) (err error) {
	var errs []error
	o.maxDataSize, err = command.EnvironmentDataSize()
	errs = append(errs, err)
	o.address = host.Loopback()
	if cmd.Flags().Changed("bind-address") {
		o.address = host.At(o.server.BindAddress)
	}
	errs = append(errs, o.completeStorage(cmd)...)
	errs = append(errs,
		command.CheckNotNegative("max-running", o.maxRunning, "for all"),
		command.CheckNotNegative("kill-grace", o.killGrace, "to kill at once"))
	errs = append(errs, o.targets.Check()...)
	errs = append(errs, o.web.Check()...)
	if err := host.CheckReplaceable(o.kubeconfigOut); err != nil {
		errs = append(errs, fmt.Errorf("--kubeconfig-out: %w", err))
	}
	errs = append(errs, o.server.Validate()...)
	// Of servers that share an etcd, one doesn't know the logins of the others.
	o.server.Web = apiserver.WebOptions{Off: true}
	if o.storage != storageEtcd {
		o.server.Web = o.web.Options()
	}
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	// An error begins with its flag if it has one.
	slices.SortStableFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	if err := errors.Join(errs...); err != nil {
		return command.WithCode(command.ExitUsage, "%w", err)
	}
	return nil
}

// The kinds of storage that --storage takes.
const (
	storageFile   = "file"
	storageMemory = "memory"
	storageEtcd   = "etcd"
)

// etcdServersFlag names the flag that has Sessions kept in etcd.
const etcdServersFlag = "etcd-servers"

// completeStorage sets where Sessions are kept, and by that whether they're run here, and returns all errors.
func (o *options) completeStorage(cmd *cobra.Command) (errs []error) {
	given := cmd.Flags().Changed
	refuse := func(flag, other string) {
		if given(flag) {
			errs = append(errs, fmt.Errorf("--%s must not be combined with %s", flag, other))
		}
	}
	refuseRuns := func(other string) {
		for _, flag := range []string{"max-running", "kill-grace"} {
			refuse(flag, other+": no Session is run")
		}
	}
	if given(etcdServersFlag) {
		if !slices.ContainsFunc(o.etcd.Servers, command.IsNotBlank) {
			return nil // The flag is empty, so that it's unknown what goes with it.
		}
		if given("storage") && o.storage != storageEtcd {
			errs = append(errs, fmt.Errorf("--storage %s must not be combined with --etcd-servers", o.storage))
		}
		o.storage = storageEtcd
	}
	if o.storage == storageEtcd {
		errs = append(errs, o.etcd.Validate()...)
		refuse(command.DataDirFlag, "--etcd-servers")
		if o.runSessions {
			refuse("run-sessions", "--etcd-servers: Sessions in etcd are only served")
		}
		refuseRuns("--etcd-servers")
		if o.web.On() {
			refuse("web", "--etcd-servers: a login is known to one server alone")
		}
		refuse("web-allowed-hosts", "--etcd-servers: a login is known to one server alone")
		o.runSessions = false
		return errs
	}
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		if strings.HasPrefix(flag.Name, "etcd-") {
			errs = append(errs, fmt.Errorf("--%s requires --etcd-servers", flag.Name))
		}
	})
	if !o.runSessions {
		refuseRuns("--run-sessions=false")
	}
	switch o.storage {
	case storageFile:
		errs = append(errs, command.CompleteDataDir(cmd, &o.dataDir))
	case storageMemory:
		refuse(command.DataDirFlag, "--storage memory")
	default:
		errs = append(errs, fmt.Errorf("--storage %s must be %q, %q or %q",
			o.storage, storageFile, storageMemory, storageEtcd))
	}
	return errs
}

func (o *options) open(config storage.Config) (*storage.Backend, error) {
	switch o.storage {
	case storageMemory:
		return storage.NewMemory(config)
	case storageEtcd:
		return storage.NewEtcd(config, o.etcd)
	default:
		return storage.NewFile(config)
	}
}

// warnOfExposure warns of files with secrets that other users can read, write or replace. It neither changes nor
// refuses them: that is the administrator's decision.
func (o *options) warnOfExposure(warn func(error)) {
	server := o.server
	for _, file := range []struct{ flag, path string }{
		{"--authentication-kubeconfig", server.Authentication.RemoteKubeConfigFile},
		{"--authorization-kubeconfig", server.Authorization.RemoteKubeConfigFile},
		{"--etcd-keyfile", o.etcd.KeyFile},
		{"--tls-private-key-file", server.TLS.KeyFile},
		{"--token-auth-file", server.Authentication.TokenFile},
	} {
		info, err := os.Stat(file.path)
		if err != nil {
			continue // The flag isn't given, or what reads the file reports the error.
		}
		if mode := info.Mode().Perm(); mode&0o027 != 0 {
			warn(fmt.Errorf("%s: other users have access to %s, which holds secrets (mode %#o): run `chmod 600` on it",
				file.flag, file.path, mode))
		}
	}
	if o.storage != storageFile {
		return
	}
	if err := private.CheckDirectory(o.dataDir); err != nil {
		warn(fmt.Errorf("--data-dir: %w", err))
	}
}
