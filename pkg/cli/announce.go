// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"time"

	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	registry "tilt.dev/session/pkg/registry/session"
	"tilt.dev/session/pkg/report"
	"tilt.dev/session/pkg/session"
)

// tailLines is how many of the last lines of a failed target are shown again.
const tailLines = 10

// print tells a person where the Session can be watched, and then what its
// resources write.
func (h *host) print(ctx context.Context) error {
	out := h.program.Streams.Out
	_, err := fmt.Fprintf(out, "tilt-session %s serves sessions.tilt.dev on %s, context %s of %s\n",
		h.program.Version, h.entry.Server, h.entry.Name(), h.location.File())
	if err != nil {
		return fmt.Errorf("print the output of the resources: %w", err)
	}
	return printLogs(ctx, out, h.logs)
}

// report says what came of a Session that's done: the table that "get" prints,
// each target's way, and what has failed. When the Tiltfile itself has failed
// there's nothing to add to its error.
func (h *host) report(ctx context.Context, s *v1alpha1.Session) error {
	if session.VerdictOf(s.Status) == session.TiltfileFailed {
		return nil
	}
	out := h.program.Streams.Out
	fmt.Fprintln(out)
	errs := []error{printSessionTable(ctx, out, s)}
	fmt.Fprintln(out)
	errs = append(errs, report.Targets(out, s, time.Now()), report.Failures(out, s, h.logs.Tail, tailLines))
	if session.VerdictOf(s.Status) == session.Succeeded {
		_, err := fmt.Fprintln(out, "\nSUCCESS. All workloads are healthy.")
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// printSessionTable prints the Session as the server shows it.
func printSessionTable(ctx context.Context, out io.Writer, s *v1alpha1.Session) error {
	table, err := registry.NewTableConvertor().ConvertToTable(ctx, s, nil)
	if err != nil {
		return fmt.Errorf("render the Session as a table: %w", err)
	}
	return printers.NewTablePrinter(printers.PrintOptions{}).PrintObj(table, out)
}

// directLog keeps what the API server reports for operators off the terminal,
// errors excepted, unless somebody asks for it.
func directLog(errOut io.Writer, verbosity int) error {
	// The log of the libraries below is klog's, of which there's one in a process.
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	settings := map[string]string{
		"logtostderr": "false", "stderrthreshold": "ERROR", "v": strconv.Itoa(verbosity),
		// Or an error would be there once more for each severity below.
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
	return nil
}
