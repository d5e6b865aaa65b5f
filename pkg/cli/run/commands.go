// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package run has the commands that run one Tiltfile, ci and up: each composes an API in memory with a runner of
// one Session, creates that Session, and waits for its verdict or for a signal.
package run

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/host"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

// NewCICommand returns the command ci.
func NewCICommand(p command.Program) *cobra.Command {
	o := &options{exitCondition: v1alpha1.ExitConditionCI}
	cmd := &cobra.Command{
		Use:   "ci [flags] [RESOURCE...] [-- TILTFILE-ARGUMENT...]",
		Short: "Run a Tiltfile until all jobs have succeeded and all servers are ready, or one fails",
		Long: `Runs the resources of a Tiltfile and ends with a verdict: success as soon as
every job has succeeded and every server is ready, failure at the first job or
server that fails or when a timeout passes. Servers are stopped at the end, and
containers of Compose services that the run has created are removed.

While it runs, its state is served as the Session "Tiltfile".

` + command.ExitCodesHelp,
		Example: `  # Run everything in ./Tiltfile
  tilt-session ci

  # Only "web" and what it depends on, for ten minutes at most
  tilt-session ci --timeout 10m web`,
		RunE: o.runE(p),
	}
	o.addFlags(cmd, p)
	cmd.Flags().DurationVar(&o.timeout, "timeout", model.DefaultTimeout,
		"how long the run may take, 0 for no limit; ci_settings(timeout=...) in the Tiltfile takes precedence")
	cmd.Flags().BoolVar(&o.keepGoing, "keep-going", false,
		"after a failure finish everything that doesn't depend on it, and report all failures")
	cmd.Flags().BoolVar(&o.targets.KeepContainers, "keep", false,
		"leave the containers and networks of Compose services that the run has created at its end")
	cmd.Flags().BoolVar(&o.stream, "stream", false, "print lines alone, without a line of status at the end of a terminal")
	cmd.Flags().DurationVar(&o.linger, "linger", 0,
		"how long the API stays up after the verdict, so that scripts can read the final Session; a signal ends it")
	return cmd
}

// NewUpCommand returns the command up.
func NewUpCommand(p command.Program) *cobra.Command {
	o := &options{exitCondition: v1alpha1.ExitConditionManual}
	cmd := &cobra.Command{
		Use:   "up [flags] [RESOURCE...] [-- TILTFILE-ARGUMENT...]",
		Short: "Keep the resources of a Tiltfile running until Ctrl-C",
		Long: `Runs the resources of a Tiltfile and keeps its servers running until a signal
ends it. A failing resource or Tiltfile doesn't end it.

On a terminal it shows a live view, where "?" lists the keys; --stream, CI and
TERM=dumb in the environment, and a pipe have it print plain lines.

While it runs, its state is served as the Session "Tiltfile", and on a web page.
The address that it prints logs in once; "tilt-session ui" and the key w in the
live view open the page again.

With --detach it runs in the background. The command returns with 0 when all is
ready, with 1 when something has failed, and with 3 when --detach-timeout has
passed; in these cases the run goes on until "tilt-session stop". A run that
can't start, and one with an error in its Tiltfile, is ended before.

` + command.ExitCodesHelp,
		RunE: o.runE(p),
	}
	o.addFlags(cmd, p)
	cmd.Flags().BoolVar(&o.stream, "stream", false, "print the output of all resources instead of the live view")
	o.web.AddHostsFlag(cmd.Flags())
	cmd.Flags().BoolVar(&o.openPage, "open", false, "open the web page in the browser when the server is ready")
	if !p.Tilt {
		o.detached.addFlags(cmd)
	}
	return cmd
}

func (o *options) runE(p command.Program) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := o.complete(args); err != nil {
			return err
		}
		if o.detached.log != "" {
			defer os.Remove(o.detached.log)
			inner := p
			if file, ok := p.Streams.Out.(*os.File); ok {
				inner.Streams.Out = &boundedLog{file: file, limit: maxLog}
			}
			return o.run(cmd.Context(), inner)
		}
		if o.detached.detach {
			return o.ciSystems.harmlessError(p, o.startDetached(cmd.Context(), p))
		}
		return o.run(cmd.Context(), p)
	}
}

// NewGuardCommand returns the command that waits for the end of the process that
// started it and kills the processes that it left behind.
func NewGuardCommand(p command.Program) *cobra.Command {
	return &cobra.Command{
		Use:    host.GuardCommand,
		Short:  "Kill the processes of a run that was killed (started by up, ci, serve and runner)",
		Args:   cobra.NoArgs,
		Hidden: true,
		RunE: func(*cobra.Command, []string) error {
			return command.Failed(process.Guard(p.Streams.In))
		},
	}
}

// options are those of ci and up.
type options struct {
	command.Endpoint
	targets       command.Targets
	exitCondition v1alpha1.ExitCondition
	// file is the Tiltfile, absolute after complete.
	file string
	// timeout is the overall limit of ci, 0 for none.
	timeout time.Duration
	// keepGoing lets ci finish what doesn't depend on a failure.
	keepGoing bool
	// stream prints plain lines alone, on a terminal too.
	stream bool
	output output
	// linger is how long the API stays up after the verdict of ci.
	linger time.Duration
	// killGrace is the time from SIGTERM to SIGKILL.
	killGrace time.Duration
	args      []string
	// verbosity is the level of the log, 0 for errors alone.
	verbosity uint16
	reports   reports
	ciSystems ciSystems
	colours   command.Colours
	detached  detachOptions
	web       command.Web
	// openPage has the page opened in the browser.
	openPage bool
	// address is where Endpoint.Host leads, maxDataSize is from the environment.
	address     host.Address
	maxDataSize int64
}

// addFlags adds the flags that up and ci share.
func (o *options) addFlags(cmd *cobra.Command, p command.Program) {
	o.Endpoint.AddFlags(cmd)
	addFile(cmd.Flags(), &o.file)
	o.targets.AddFlags(cmd.Flags())
	o.targets.AddInventoryFlag(cmd.Flags())
	o.targets.AddDeployFlags(cmd.Flags())
	command.AddKillGrace(cmd.Flags(), &o.killGrace)
	o.output.addFlags(cmd.Flags())
	o.web.AddFlag(cmd.Flags())
	o.web.AddModeFlag(cmd.Flags())
	o.colours.AddFlag(cmd.Flags())
	o.reports.addFlags(cmd.Flags())
	o.ciSystems.addFlags(cmd.Flags())
	p.AddVerbosity(cmd.Flags(), &o.verbosity)
}

func addFile(flags *pflag.FlagSet, file *string) {
	flags.StringVarP(file, "file", "f", "Tiltfile",
		"path of the Tiltfile; paths in a Tiltfile from a pipe, such as /dev/stdin, are relative to the working directory")
}

// complete sets what follows from the command line and returns all of its errors.
func (o *options) complete(args []string) (err error) {
	if err := o.completeTiltfile(args); err != nil {
		return err
	}
	if err := errors.Join(o.output.check()...); err != nil {
		return command.WithCode(command.ExitUsage, "%w", err)
	}
	if o.address, err = host.Resolve(o.Host); err != nil {
		return command.WithCode(command.ExitUsage, "--host %q has no address: %w", o.Host, err)
	}
	errs := append(o.reports.complete(o.output.quiet), o.ciSystems.check()...)
	errs = append(errs, o.web.Check()...)
	if o.openPage && !o.web.On() {
		errs = append(errs, errors.New("--open must not be combined with --web=false"))
	}
	if err := errors.Join(errs...); err != nil {
		return command.WithCode(command.ExitUsage, "%w", err)
	}
	return nil
}

// completeTiltfile sets what follows from the flags and arguments other than those of the API.
func (o *options) completeTiltfile(args []string) (err error) {
	errs := []error{
		command.CheckNotNegative("timeout", o.timeout, "for no limit"),
		command.CheckNotNegative("linger", o.linger, "to end at once"),
		command.CheckNotNegative("detach-timeout", o.detached.timeout, "for no limit"),
		command.CheckNotNegative("kill-grace", o.killGrace, "to kill at once"),
	}
	errs = append(errs, o.targets.Check()...)
	if o.maxDataSize, err = command.EnvironmentDataSize(); err != nil {
		errs = append(errs, err)
	}
	if info, err := os.Stat(o.file); err == nil && info.IsDir() {
		errs = append(errs, fmt.Errorf("--file %s is a directory; name the Tiltfile in it", o.file))
	}
	if o.file, err = filepath.Abs(o.file); err != nil {
		errs = append(errs, fmt.Errorf("--file %s: %w", o.file, err))
	}
	for i, arg := range args {
		if !utf8.ValidString(arg) {
			errs = append(errs, fmt.Errorf("argument %d must be UTF-8, got %q", i+1, arg))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return command.WithCode(command.ExitUsage, "%w", err)
	}
	o.args = args
	return nil
}

// session is the Session that the command creates.
func (o *options) session() *v1alpha1.Session {
	s := &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{
			Name:        command.SessionName,
			Annotations: map[string]string{"tilt.dev/resource": model.TiltfileResource},
			Finalizers:  []string{v1alpha1.Finalizer}, // The controller would add it.
		},
		Spec: v1alpha1.SessionSpec{
			TiltfilePath: o.file, ExitCondition: o.exitCondition, Args: o.args, KeepGoing: o.keepGoing,
		},
	}
	if o.exitCondition == v1alpha1.ExitConditionCI {
		s.Spec.CI = &v1alpha1.SessionCISpec{
			Timeout:          &metav1.Duration{Duration: o.timeout},
			ReadinessTimeout: &metav1.Duration{Duration: model.DefaultReadinessTimeout},
		}
	}
	return s
}
