// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package command has what the commands of tilt-session share: the process that
// they run in, exit codes, and the flags that name a server or a data directory.
package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/host"
)

// Program is what the commands take from the process that they run in.
type Program struct {
	// Streams are where commands read from and print to.
	Streams genericiooptions.IOStreams
	// Version is the program's own version, a semantic version with a "v".
	Version string
	// Tilt is true for a program that was started by the name tilt. It answers as Tilt's command line does, for scripts
	// that know that one.
	Tilt bool
	// Notify delivers from then on the signals that ask the program to end, which would have ended it before. A
	// command that runs or serves Sessions calls it, once: the first signal ends the command in order, the next one
	// at once. Other commands leave signals as they are.
	Notify func() <-chan os.Signal
}

// Name is the name of the program in its own texts.
func (p Program) Name() string {
	if p.Tilt {
		return "tilt"
	}
	return "tilt-session"
}

// Warn prints what goes wrong without ending the command.
func (p Program) Warn(err error) {
	fmt.Fprintf(p.Streams.ErrOut, "Warning: %v\n", err)
}

// Group returns a group for the parts of this process.
func (p Program) Group() *host.Group {
	return &host.Group{
		Signals: p.Notify(),
		Notice:  func(text string) { fmt.Fprintln(p.Streams.ErrOut, text) },
	}
}

// Parent returns a command that only has others below it.
func Parent(name, short string) *cobra.Command {
	return &cobra.Command{
		Use:   name,
		Short: short,
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
}

// WrongUsage is an error that says where the right usage is described.
func WrongUsage(cmd *cobra.Command, err error) error {
	return WithCode(ExitUsage, "%w\nSee '%s --help'.", err, cmd.CommandPath())
}

// AddVerbosity adds the flag -v. For Tilt that is another one, and this one is called --klog.
func (p Program) AddVerbosity(flags *pflag.FlagSet, level *uint16) {
	name, short := "v", "v"
	if p.Tilt {
		name, short = "klog", ""
	}
	flags.Uint16VarP(level, name, short, 0,
		"log the work of the API server on stderr, the higher the number the more detailed")
}

// DirectLog directs the log of the libraries, which is klog's, of which a process has
// one. With verbosity 0 only errors are shown.
func DirectLog(errOut io.Writer, verbosity uint16) error {
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	settings := map[string]string{
		"logtostderr": "false", "stderrthreshold": "ERROR", "v": strconv.Itoa(int(verbosity)),
		// Otherwise an error is logged once more for each lower severity.
		"one_output": "true",
	}
	sink := io.Discard
	if verbosity > 0 {
		sink, settings["stderrthreshold"] = errOut, "FATAL"
	}
	for name, value := range settings {
		if err := flags.Set(name, value); err != nil {
			return fmt.Errorf("set up the log: %s=%s: %w", name, value, err)
		}
	}
	klog.SetOutput(sink)
	if verbosity == 0 {
		utilruntime.ErrorHandlers = withoutEndsOfWatches(utilruntime.ErrorHandlers) //nolint:reassign // Programs may.
	}
	return nil
}

// withoutEndsOfWatches returns handlers that get all errors but those of a watch whose client has gone.
//
// Upstream: k8s.io/apiserver, endpoints/handlers/watch.go logs an event that such a client no longer takes as an error.
func withoutEndsOfWatches(all []utilruntime.ErrorHandler) []utilruntime.ErrorHandler {
	return []utilruntime.ErrorHandler{func(ctx context.Context, err error, message string, more ...any) {
		gone := ctx.Err() != nil || err != nil && (strings.Contains(err.Error(), "http2: stream closed") ||
			strings.Contains(err.Error(), "client disconnected"))
		if gone && message == "Failed to encode watch event" {
			return
		}
		for _, handle := range all {
			handle(ctx, err, message, more...)
		}
	}}
}

// The exit codes of every command. Scripts rely on them, so they don't change.
const (
	ExitSuccess = 0
	ExitFailure = 1 // a target failed, or the API refused a request
	ExitUsage   = 2 // wrong flags or arguments, or an error in the Tiltfile
	ExitTimeout = 3 // the overall or a readiness timeout has passed
	ExitAPI     = 4 // the API can't be served or reached
	// ExitTiltfileResult is that of "tilt alpha tiltfile-result" for an error in the Tiltfile.
	ExitTiltfileResult = 5
)

// ExitCodesHelp is the part of a help text that lists the exit codes.
const ExitCodesHelp = `Exit codes:
  0    success; "up" ended by a signal
  1    a target failed, or the API refused a request
  2    wrong usage, or an error in the Tiltfile
  3    timed out, as a whole or waiting for a server to be ready
  4    the API can't be served or reached
  130  "ci" was interrupted (SIGINT); 143 on SIGTERM, 129 on SIGHUP`

// codedError is an error that decides the exit code. Without text, the message has been printed already.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

// WithCode returns an error that decides the exit code.
func WithCode(code int, format string, args ...any) error {
	return &codedError{code: code, err: fmt.Errorf(format, args...)}
}

// ExitCode is the exit code for the error of a command. Tilt has one for all failures, except for a Tiltfile whose
// result it was to print.
func (p Program) ExitCode(err error) int {
	if err == nil {
		return ExitSuccess
	}
	coded := new(codedError)
	if !errors.As(err, &coded) || p.Tilt && coded.code != ExitSuccess && coded.code != ExitTiltfileResult {
		return ExitFailure
	}
	return coded.code
}

// WithoutMessage returns an error that decides the exit code and prints nothing.
func WithoutMessage(code int) error { return &codedError{code, errors.New("")} }

// Failed returns an error with an exit code: ExitAPI for an API that can't be served, else ExitFailure. It
// returns nil for nil, and an error with an exit code as it is.
func Failed(err error) error {
	var api *host.APIError
	switch {
	case err == nil || HasCode(err):
		return err
	case errors.As(err, &api):
		return WithCode(ExitAPI, "%w", err)
	default:
		return WithCode(ExitFailure, "%w", err)
	}
}

// HasCode reports whether an error decides the exit code.
func HasCode(err error) bool { return errors.As(err, new(*codedError)) }

// Printed is the result of a command that has printed its output.
func Printed(err error) error {
	if err != nil {
		return WithCode(ExitFailure, "print: %w", err)
	}
	return nil
}
