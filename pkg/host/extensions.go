// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"os"

	"tilt.dev/session/pkg/process"
	"tilt.dev/session/pkg/tiltfile/extension"
)

// WithExtensions calls work with the extension repositories of this user. It returns when everything that work has
// started has ended. log gets a line before something takes long, and warn what goes wrong besides.
func WithExtensions(
	ctx context.Context, log func(string), warn func(error), work func(context.Context, *extension.Store) error,
) (err error) {
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	processes, err := process.New(process.Options{
		Guard: []string{executable, GuardCommand}, GuardEnv: guardEnv, AdoptOrphans: true, Warn: warn,
	})
	if err != nil {
		return fmt.Errorf("prepare to run commands: %w", err)
	}
	defer func() { err = errors.Join(err, processes.Close()) }()
	store, err := extension.NewStore(localCommands{processes: processes}, os.Environ(), log)
	if err != nil {
		return err
	}
	return work(ctx, store)
}
