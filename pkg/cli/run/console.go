// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/host"
	"tilt.dev/session/pkg/logs"
	registry "tilt.dev/session/pkg/registry/session"
	"tilt.dev/session/pkg/report"
	"tilt.dev/session/pkg/session"
)

const (
	// logLimit is how many bytes of output are kept in memory.
	logLimit = 32 << 20
	// tailLines is how many of the last lines of a failed target the report repeats.
	tailLines = 10
	// outputGrace is how long a reader may take to read the output after a signal.
	outputGrace = time.Second
)

// console is a part that prints where the Session is served, then what its resources
// write, and at the end a report. Printing goes on while the parts after it stop.
type console struct {
	program command.Program
	api     *host.API
	logs    *logs.Store
	// optional is true if the run goes on when nothing can be printed.
	optional bool
	// hurry gives up output that isn't read.
	hurry   func()
	hurried chan struct{}
	// terminal is how a person sees the run beside plain lines.
	terminal *terminal
	// finished is closed when the output of resources has ended.
	finished chan struct{}
	end      func()
	// session is the Session to report, set before logs are closed, nil for none.
	session atomic.Pointer[v1alpha1.Session]
}

func newConsole(p command.Program, t *terminal, optional bool) *console {
	c := &console{program: p, api: t.api, terminal: t, optional: optional, hurried: make(chan struct{})}
	c.logs = logs.New(logLimit, clock.RealClock{})
	c.hurry = sync.OnceFunc(func() { close(c.hurried) })
	c.finished = make(chan struct{})
	c.end = sync.OnceFunc(func() { c.logs.Close(); close(c.finished) })
	return c
}

func (c *console) part() host.Part {
	return host.Part{Name: "output", Run: c.run, Hurry: c.hurry}
}

// finish ends the output of resources and has a Session reported, nil for none. What
// processes write while they're being stopped isn't shown.
func (c *console) finish(s *v1alpha1.Session) {
	c.session.Store(s)
	c.end()
}

// run prints until ctx is done and everything is printed. A reader that reads nothing
// is only waited for until the console is hurried: nothing can end a blocked write.
func (c *console) run(ctx context.Context, ready func()) error {
	printed := make(chan error, 1)
	go func() { printed <- c.print(ctx) }()
	ready()
	var err error
	select {
	case err = <-printed:
		if c.optional || err == nil {
			<-ctx.Done()
		}
		return err
	case <-ctx.Done():
		c.end()
	}
	select {
	case err = <-printed:
		return err
	case <-c.hurried:
	}
	select {
	case err = <-printed:
	case <-time.After(outputGrace):
	}
	return err
}

func (c *console) print(ctx context.Context) error {
	out := c.program.Streams.Out
	var err error
	if !c.terminal.live || c.showLive(ctx) {
		_, err = fmt.Fprintf(out, "tilt-session %s %v\n", c.program.Version, c.api)
		endStatus := c.terminal.showStatus(ctx)
		if err == nil {
			err = c.printLogs(context.WithoutCancel(ctx), out)
		}
		endStatus()
	}
	if s := c.session.Load(); err == nil && s != nil {
		err = c.report(ctx, out, s)
	}
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// showLive shows the live view, and reports whether plain lines are printed after it. Without a verdict of the run, the
// last Session that was seen is the one to report.
func (c *console) showLive(ctx context.Context) (stream bool) {
	seeing, cancel := context.WithCancel(ctx)
	defer cancel()
	var ending sync.WaitGroup
	ending.Go(func() {
		select {
		case <-c.finished:
			cancel()
		case <-seeing.Done():
		}
	})
	last, stream, err := c.terminal.showLive(seeing)
	if err != nil {
		c.program.Warn(err)
	}
	if !stream {
		select {
		case <-c.finished:
		case <-ctx.Done():
		}
		c.session.CompareAndSwap(nil, last)
	}
	cancel()
	ending.Wait()
	return stream
}

// printLogs prints the lines of the run, each with the name of its resource in front,
// until the store is closed. A line is printed at once, lines that wait together.
func (c *console) printLogs(ctx context.Context, out io.Writer) error {
	printer := logs.NewPrinter(out, logs.Style{})
	for batch := range c.logs.Read(ctx, logs.Selection{Until: make(chan struct{})}) {
		if err := printer.Print(batch); err != nil {
			return err
		}
	}
	return printer.Close()
}

// report prints the table that "get" prints, what became of each target, and what has
// failed. Nothing of that adds to the error of a Tiltfile.
func (c *console) report(ctx context.Context, out io.Writer, s *v1alpha1.Session) error {
	verdict := session.VerdictOf(s.Status)
	if verdict == session.TiltfileFailed {
		return nil
	}
	table, err := registry.NewTableConvertor().ConvertToTable(ctx, s, nil)
	if err != nil {
		return fmt.Errorf("render the Session as a table: %w", err)
	}
	fmt.Fprintln(out)
	errs := []error{printers.NewTablePrinter(printers.PrintOptions{}).PrintObj(table, out)}
	fmt.Fprintln(out)
	errs = append(errs, report.Targets(out, s, time.Now()), report.Failures(out, s, c.logs.Tail, tailLines))
	if verdict == session.Succeeded {
		_, err := fmt.Fprintln(out, "\nSUCCESS. All workloads are healthy.")
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
