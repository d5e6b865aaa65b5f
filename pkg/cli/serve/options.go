// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/host"
	"tilt.dev/session/pkg/storage"
)

// options say what is served, from where, and to whom.
type options struct {
	server  *apiserver.Options
	address host.Address
	// storage is where Sessions are kept, dataDir its directory if that's a file.
	storage, dataDir string
	// etcd is where Sessions are kept that several servers share.
	etcd storage.EtcdOptions
	// runSessions has the Sessions run by this process, maxRunning of them at a time, 0 for all.
	runSessions bool
	maxRunning  int
	// kubeconfigOut is a file of its own for the kubeconfig, none if empty.
	kubeconfigOut string
	killGrace     time.Duration
	verbosity     uint16
	// maxDataSize is from the environment.
	maxDataSize int64
}

func newOptions(version string) *options {
	o := &options{server: apiserver.NewOptions(), storage: storageFile, etcd: storage.NewEtcdOptions(), runSessions: true}
	o.server.Port, o.server.Version = command.DefaultPort, version
	return o
}

func (o *options) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	o.server.AddFlags(flags)
	flags.StringVar(&o.storage, "storage", o.storage,
		`where Sessions are kept: "file", "memory" until the end of this process, or "etcd", which --etcd-servers implies`)
	o.etcd.AddFlags(flags)
	flags.StringVar(&o.dataDir, command.DataDirFlag, "",
		"directory of the file storage (default $XDG_STATE_HOME/tilt-session, or ~/.local/state/tilt-session)")
	flags.BoolVar(&o.runSessions, "run-sessions", o.runSessions, "run the Sessions; Sessions in etcd are only served")
	flags.IntVar(&o.maxRunning, "max-running", 0,
		"how many Sessions run at a time, 0 for all; the others wait in the order of their creation")
	flags.StringVar(&o.kubeconfigOut, "kubeconfig-out", "",
		"file to write a kubeconfig for this server to, which is removed at the end")
	command.AddKillGrace(flags, &o.killGrace)
	command.AddVerbosity(flags, &o.verbosity)
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
	if err := host.CheckReplaceable(o.kubeconfigOut); err != nil {
		errs = append(errs, fmt.Errorf("--kubeconfig-out: %w", err))
	}
	errs = append(errs, o.server.Validate()...)
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	// An error begins with its flag if it has one.
	slices.SortStableFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	if err := errors.Join(errs...); err != nil {
		return command.WithCode(command.ExitUsage, "%w", err)
	}
	return nil
}
