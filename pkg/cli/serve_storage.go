// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/storage"
)

// The kinds of storage that --storage takes.
const (
	storageFile   = "file"
	storageMemory = "memory"
	storageEtcd   = "etcd"
)

// etcdServersFlag is what has Sessions kept in etcd.
const etcdServersFlag = "etcd-servers"

// completeStorage decides where Sessions are kept, and by that whether they're run
// here, and returns everything that's wrong about it.
func (o *serveOptions) completeStorage(cmd *cobra.Command) []error {
	given := cmd.Flags().Changed
	var errs []error
	if given(etcdServersFlag) && !slices.ContainsFunc(o.etcd.Servers, isNotBlank) {
		return nil // That's wrong by itself, and what goes with it isn't known.
	}
	if given(etcdServersFlag) {
		if given("storage") && o.storage != storageEtcd {
			errs = append(errs, fmt.Errorf("--storage %s: with --etcd-servers Sessions are kept in etcd; leave one of both out", o.storage))
		}
		o.storage = storageEtcd
	}
	if o.storage == storageEtcd {
		return append(errs, o.completeEtcd(cmd)...)
	}
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		if strings.HasPrefix(flag.Name, "etcd-") {
			errs = append(errs, fmt.Errorf("--%s: it's of no use without --etcd-servers", flag.Name))
		}
	})
	if !o.runSessions {
		errs = append(errs, refuseRunFlags(cmd, "--run-sessions=false")...)
	}
	switch o.storage {
	case storageFile:
		errs = append(errs, completeDir(cmd, &o.dataDir))
	case storageMemory:
		if given(dataDirFlag) {
			errs = append(errs, errors.New("--data-dir: there's none with --storage memory"))
		}
	default:
		errs = append(errs, fmt.Errorf("--storage %s: must be %q, %q or %q", o.storage, storageFile, storageMemory, storageEtcd))
	}
	return errs
}

func (o *serveOptions) completeEtcd(cmd *cobra.Command) []error {
	errs := o.etcd.Validate()
	if cmd.Flags().Changed(dataDirFlag) {
		errs = append(errs, errors.New("--data-dir: there's none with --etcd-servers"))
	}
	if o.runSessions && cmd.Flags().Changed("run-sessions") {
		errs = append(errs, errors.New("--run-sessions: several servers share the Sessions of an etcd, and none can claim one to run it yet; leave the flag out"))
	}
	o.runSessions = false
	return append(errs, refuseRunFlags(cmd, "--etcd-servers")...)
}

// refuseRunFlags returns what's wrong with flags about runs where there are none.
func refuseRunFlags(cmd *cobra.Command, why string) (errs []error) {
	for _, name := range []string{"max-running", "kill-grace"} {
		if cmd.Flags().Changed(name) {
			errs = append(errs, fmt.Errorf("--%s: no Session is run with %s", name, why))
		}
	}
	return errs
}

func (s *service) openStorage() error {
	codec, err := apiserver.StorageCodec()
	if err != nil {
		return withCode(ExitAPI, "%w", err)
	}
	config := storage.Config{Codec: codec, Dir: s.options.dataDir}
	switch s.options.storage {
	case storageMemory:
		s.storage, err = storage.NewMemory(config)
	case storageEtcd:
		s.storage, err = storage.NewEtcd(config, s.options.etcd)
	default:
		s.storage, err = storage.NewFile(config)
	}
	if err != nil {
		return withCode(ExitAPI, "%w", err)
	}
	return nil
}

// awaitReady returns true when the server is ready, and false if the end comes
// first. If it takes long a person is told what the storage says.
func (s *service) awaitReady(ctx context.Context, serving *task) (bool, error) {
	checking := start(ctx, func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(patience):
			return s.checkStorage(ctx)
		}
	})
	defer func() { _ = checking.stop() }() // what it says matters while it's waited for
	checked := checking.done
	for {
		select {
		case <-s.server.Ready():
			return true, nil
		case <-serving.done:
			return false, withCode(ExitAPI, "serve the API: %w", serving.err)
		case <-s.signals:
			s.tellStopping()
			s.server.Cut() // nobody was told to come
			return false, serving.stop()
		case <-checked:
			checked = nil
			if checking.err != nil {
				s.warn(fmt.Errorf("%s answers, but isn't ready: %w (it's tried until it works)", s.entry.Server, checking.err))
			}
		}
	}
}
