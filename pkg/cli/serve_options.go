// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/storage"
)

// serveOptions say what is served, from where, and to whom.
type serveOptions struct {
	server *apiserver.Options
	// addresses are those to listen on, of which the first is taken that this
	// machine has.
	addresses []string
	// storage is where Sessions are kept, dataDir its directory if that's a file.
	storage, dataDir string
	// etcd is where Sessions are kept that several servers share.
	etcd storage.EtcdOptions
	// runSessions has the Sessions run by this process, maxRunning of them at
	// once, 0 for any number.
	runSessions bool
	maxRunning  int
	// kubeconfigOut is a file of its own for the kubeconfig, none if empty.
	kubeconfigOut string
	killGrace     time.Duration
	verbosity     int
}

func newServeOptions(version string) *serveOptions {
	o := &serveOptions{server: apiserver.NewOptions(), storage: storageFile, etcd: storage.NewEtcdOptions(), runSessions: true}
	o.server.Port, o.server.Version = defaultPort, version
	return o
}

func (o *serveOptions) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	o.server.AddFlags(flags)
	flags.StringVar(&o.storage, "storage", o.storage, `where Sessions are kept: "file", "memory" until the end of this process, or "etcd", which --etcd-servers stands for`)
	o.etcd.AddFlags(flags)
	flags.StringVar(&o.dataDir, dataDirFlag, "", "directory of the file storage (default $XDG_STATE_HOME/tilt-session, or ~/.local/state/tilt-session)")
	flags.BoolVar(&o.runSessions, "run-sessions", o.runSessions, "run the Sessions; without it they're only served, as those of an etcd always are")
	flags.IntVar(&o.maxRunning, "max-running", 0, "how many Sessions run at once, 0 for any number; the others wait in the order of their creation")
	flags.StringVar(&o.kubeconfigOut, "kubeconfig-out", "", "write a kubeconfig for this server to a file as well, which is removed at the end")
	flags.DurationVar(&o.killGrace, "kill-grace", defaultKillGrace,
		"how long processes may take to end after SIGTERM before they get SIGKILL")
	flags.IntVarP(&o.verbosity, "v", "v", 0, "log the server's work on stderr, in more detail the higher the number")
}

// complete fills in what follows from the rest and returns everything that's
// wrong, in the order of the flags in the help.
func (o *serveOptions) complete(cmd *cobra.Command) error {
	var errs []error
	if !cmd.Flags().Changed("secure-port") {
		port, err := environmentPort(o.server.Port)
		errs = append(errs, err)
		o.server.Port = port
	}
	errs = append(errs, checkDataSize())
	o.addresses = []string{o.server.BindAddress}
	if !cmd.Flags().Changed("bind-address") {
		o.addresses = loopbacks
	}
	errs = append(errs, o.completeStorage(cmd)...)
	if o.maxRunning < 0 {
		errs = append(errs, fmt.Errorf("--max-running %d is negative: use 0 for any number", o.maxRunning))
	}
	if o.killGrace < 0 {
		errs = append(errs, fmt.Errorf("--kill-grace %v is negative: use 0 to kill at once", o.killGrace))
	}
	errs = append(errs, checkVerbosity(o.verbosity), o.checkKubeconfigOut())
	errs = append(errs, o.server.Validate()...)
	errs = withoutEmpty(emptyFlags(cmd), errs)
	// Each begins with the flag that it's about, if it's about one.
	slices.SortStableFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	if err := errors.Join(errs...); err != nil {
		return withCode(ExitUsage, "%w", err)
	}
	return nil
}

// checkKubeconfigOut refuses what can be seen not to become a file.
func (o *serveOptions) checkKubeconfigOut() error {
	if o.kubeconfigOut == "" {
		return nil
	}
	err := checkReplaceable(o.kubeconfigOut)
	if err == nil {
		if _, missing := os.Stat(filepath.Dir(o.kubeconfigOut)); errors.Is(missing, fs.ErrNotExist) {
			err = fmt.Errorf("write %s: %w", o.kubeconfigOut, syscall.ENOENT)
		}
	}
	if err != nil {
		return fmt.Errorf("--kubeconfig-out: %w", err)
	}
	return nil
}

// dataDirFlag names the directory of a file storage.
const dataDirFlag = "data-dir"

// completeDir makes the directory that the flag names absolute, or chooses one
// without the flag.
func completeDir(cmd *cobra.Command, dir *string) (err error) {
	switch {
	case !cmd.Flags().Changed(dataDirFlag):
		*dir, err = defaultDataDir(os.Getenv)
		return err
	case isBlank(*dir):
		return emptyFlag(dataDirFlag)
	}
	if info, err := os.Stat(*dir); err == nil && !info.IsDir() {
		return fmt.Errorf("--data-dir %s is not a directory: name another one", *dir)
	}
	if *dir, err = filepath.Abs(*dir); err != nil {
		return fmt.Errorf("--data-dir: %w", err)
	}
	return nil
}

// defaultDataDir is where a user's state belongs.
func defaultDataDir(getenv func(string) string) (string, error) {
	if state := getenv("XDG_STATE_HOME"); filepath.IsAbs(state) {
		return filepath.Join(state, "tilt-session"), nil
	}
	home := getenv("HOME")
	if home == "" {
		return "", errors.New("--data-dir: must be given, as neither $XDG_STATE_HOME nor $HOME is set")
	}
	return filepath.Join(home, ".local", "state", "tilt-session"), nil
}
