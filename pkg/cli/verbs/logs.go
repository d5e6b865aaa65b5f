// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package verbs

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/session"
)

type logsOptions struct {
	sessionClient
	prefix                   command.LogPrefix
	follow, json, timestamps bool
	since                    time.Duration
	tail                     int64
	grep, level              string
}

func newLogsCommand(p command.Program) *cobra.Command {
	o := &logsOptions{}
	cmd := &cobra.Command{
		Use:   "logs [flags] [NAME...]",
		Short: "Print the log of a running Session",
		Long: `Prints the output of the named resources of a running Session, or of all. The name
"(Tiltfile)" selects the output of the Tiltfile.`,
		Example: `  tilt-session logs web --follow
  tilt-session logs --since 10m --tail 100
  tilt-session logs --grep '(?i)timeout|refused'
  tilt-session logs --json | jq -r 'select(.level == "error").text'`,
		RunE: func(cmd *cobra.Command, names []string) error {
			if err := o.complete(names); err != nil {
				return command.WithCode(command.ExitUsage, "%w", err)
			}
			return o.print(cmd, p, names)
		},
	}
	o.addFlags(cmd)
	cmd.Flags().BoolVarP(&o.follow, "follow", "f", false, "print new lines as well until the run ends")
	cmd.Flags().DurationVar(&o.since, "since", 0, "print only lines that are at most this old, such as 30s or 10m")
	cmd.Flags().Int64Var(&o.tail, "tail", -1, "print only this many of the last lines; -1 for all")
	cmd.Flags().BoolVar(&o.json, "json", false, "print a JSON object for each line")
	cmd.Flags().BoolVar(&o.timestamps, "timestamps", false, "print the time before each line")
	cmd.Flags().StringVar(&o.grep, "grep", "", "print only lines that match this regular expression (RE2)")
	cmd.Flags().StringVar(&o.level, "level", string(v1alpha1.SessionLogLevelInfo),
		"print only lines of this level and of higher ones: info, warn or error")
	o.prefix.AddFlag(cmd.Flags())
	return cmd
}

func (o *logsOptions) complete(names []string) error {
	errs := []error{
		command.CheckNotNegative("since", o.since, "for all lines"), command.CheckLevel(o.level), o.prefix.Check(),
	}
	if _, err := regexp.Compile(o.grep); err != nil {
		errs = append(errs, fmt.Errorf("--grep: %w", err))
	}
	if o.tail < -1 {
		errs = append(errs, fmt.Errorf("--tail %d is negative; use -1 for all lines", o.tail))
	}
	if slices.ContainsFunc(names, command.IsBlank) {
		errs = append(errs, errors.New("the name of a resource must not be empty; omit it for the log of all"))
	}
	return errors.Join(errs...)
}

func (o *logsOptions) request(names []string, now time.Time) *v1alpha1.SessionLogOptions {
	request := &v1alpha1.SessionLogOptions{
		Resources: names,
		Follow:    o.follow,
		Grep:      o.grep,
		Level:     v1alpha1.SessionLogLevel(o.level),
		Format:    v1alpha1.SessionLogFormatJSON,
	}
	if o.since > 0 {
		since := metav1.NewTime(now.Add(-o.since))
		request.SinceTime = &since
	}
	if o.tail >= 0 {
		request.TailLines = &o.tail
	}
	return request
}

func (o *logsOptions) print(cmd *cobra.Command, p command.Program, names []string) error {
	sessions, err := o.sessions()
	if err != nil {
		return err
	}
	lines, err := sessions.GetLogs(o.session, o.request(names, time.Now())).Stream(cmd.Context())
	if err != nil {
		return o.requestError(err)
	}
	defer lines.Close()
	out := &outlet{writer: p.Streams.Out}
	if o.json {
		_, err = io.Copy(out, lines)
	} else {
		err = o.printLines(out, lines)
	}
	switch {
	case errors.Is(out.err, syscall.EPIPE):
		return nil // The reader has closed the pipe.
	case out.err != nil:
		return command.Printed(out.err)
	case err != nil && !errors.Is(err, context.Canceled):
		return command.WithCode(command.ExitAPI, "%w", fmt.Errorf("read the log: %w", err))
	}
	return nil
}

// printLines prints lines as up does. A line is printed at once, lines that come together with one write.
func (o *logsOptions) printLines(out io.Writer, lines io.Reader) error {
	style := o.prefix.Style()
	style.Timed = style.Timed || o.timestamps
	in, buffer := bufio.NewReaderSize(lines, bufferSize), bufio.NewWriterSize(out, bufferSize)
	printer := logs.NewPrinter(buffer, style)
	var last v1alpha1.SessionLogLine
	for {
		text, err := in.ReadBytes('\n')
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return errors.Join(err, printer.Close(), buffer.Flush())
		}
		var line v1alpha1.SessionLogLine
		if err := json.Unmarshal(text, &line); err != nil {
			return err
		}
		err = printer.PrintLine(session.DecodeLine(line, last), uint64(line.Missed))
		if err == nil && in.Buffered() == 0 {
			err = buffer.Flush()
		}
		if err != nil {
			return err
		}
		last = line
	}
}

const bufferSize = 64 << 10

// outlet keeps the error of its writer, to tell it from an error of the server.
type outlet struct {
	writer io.Writer
	err    error
}

func (o *outlet) Write(p []byte) (int, error) {
	n, err := o.writer.Write(p)
	o.err = err
	return n, err
}
