// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/storage"
)

// The kinds of storage that --storage takes.
const (
	storageFile   = "file"
	storageMemory = "memory"
	storageEtcd   = "etcd"
)

// etcdServersFlag names the flag that has Sessions kept in etcd.
const etcdServersFlag = "etcd-servers"

// completeStorage sets where Sessions are kept, and by that whether they're run here, and returns all errors.
func (o *options) completeStorage(cmd *cobra.Command) []error {
	given := cmd.Flags().Changed
	var errs []error
	if given(etcdServersFlag) && !slices.ContainsFunc(o.etcd.Servers, command.IsNotBlank) {
		return nil // The flag is empty, so that it's unknown what goes with it.
	}
	if given(etcdServersFlag) {
		if given("storage") && o.storage != storageEtcd {
			errs = append(errs, fmt.Errorf("--storage %s must not be combined with --etcd-servers", o.storage))
		}
		o.storage = storageEtcd
	}
	if o.storage == storageEtcd {
		return append(errs, o.completeEtcd(cmd)...)
	}
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		if strings.HasPrefix(flag.Name, "etcd-") {
			errs = append(errs, fmt.Errorf("--%s requires --etcd-servers", flag.Name))
		}
	})
	if !o.runSessions {
		errs = append(errs, refuseRunFlags(cmd, "--run-sessions=false")...)
	}
	switch o.storage {
	case storageFile:
		errs = append(errs, command.CompleteDataDir(cmd, &o.dataDir))
	case storageMemory:
		if given(command.DataDirFlag) {
			errs = append(errs, errors.New("--data-dir must not be combined with --storage memory"))
		}
	default:
		errs = append(errs, fmt.Errorf("--storage %s must be %q, %q or %q", o.storage, storageFile, storageMemory, storageEtcd))
	}
	return errs
}

func (o *options) completeEtcd(cmd *cobra.Command) []error {
	errs := o.etcd.Validate()
	if cmd.Flags().Changed(command.DataDirFlag) {
		errs = append(errs, errors.New("--data-dir must not be combined with --etcd-servers"))
	}
	if o.runSessions && cmd.Flags().Changed("run-sessions") {
		errs = append(errs, errors.New("--run-sessions must not be combined with --etcd-servers: Sessions in etcd are only served"))
	}
	o.runSessions = false
	return append(errs, refuseRunFlags(cmd, "--etcd-servers")...)
}

// refuseRunFlags returns an error for each flag about runs, where there are none.
func refuseRunFlags(cmd *cobra.Command, why string) (errs []error) {
	for _, name := range []string{"max-running", "kill-grace"} {
		if cmd.Flags().Changed(name) {
			errs = append(errs, fmt.Errorf("--%s must not be combined with %s: no Session is run", name, why))
		}
	}
	return errs
}

// open opens the storage.
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
