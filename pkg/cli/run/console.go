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

	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/host"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/report"
	"tilt.dev/session/pkg/session"
	"tilt.dev/session/pkg/view"
)

const (
	// logLimit is how many bytes of output are kept in memory.
	logLimit = 32 << 20
	// outputGrace is how long a reader may take to read the output after a signal, backlogGrace how long of that the lines
	// of resources may take.
	outputGrace, backlogGrace = 1500 * time.Millisecond, 500 * time.Millisecond
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
	// ended gets the report to print, if there is one. writer writes it in other forms before.
	ended  chan *report.Report
	writer *writer
	// told is set once the report is printed as text, with what the error of the command would say again.
	told atomic.Bool
	// output says what is printed, in a style. snapshots are those of the run, if it tells them.
	output    output
	style     view.Style
	snapshots *snapshots
	began     time.Time
	// ci is the log of the CI system that out is, nil without one.
	ci *ciLog
}

func newConsole(p command.Program, t *terminal, optional bool) *console {
	c := &console{
		program: p, api: t.api, terminal: t, optional: optional, hurried: make(chan struct{}),
		ended: make(chan *report.Report, 1), snapshots: &snapshots{wake: make(chan struct{}, 1)}, began: time.Now(),
	}
	c.logs = logs.New(logLimit, clock.RealClock{})
	c.hurry = sync.OnceFunc(func() { close(c.hurried) })
	c.finished = make(chan struct{})
	c.end = sync.OnceFunc(func() { c.logs.Close(); close(c.finished) })
	return c
}

func (c *console) part() host.Part {
	return host.Part{Name: "output", Run: c.run, Hurry: c.hurry}
}

// finish ends the output of resources and has a report printed, the first one that it gets. What processes write while
// they're being stopped isn't shown.
func (c *console) finish(r *report.Report) {
	select {
	case c.ended <- r:
	default:
	}
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
	defer c.openPage(ctx)()
	var err error
	if !c.terminal.live || c.showLive(ctx) {
		if !c.output.quiet && c.output.format != formatJSON {
			_, err = fmt.Fprintf(out, "tilt-session %s %v\n%s", c.program.Version, c.api, c.pageLine())
		}
		endStatus := c.terminal.showStatus(ctx)
		if err == nil {
			err = c.printLogs(ctx, out)
		}
		endStatus()
	}
	if err == nil || c.optional {
		err = errors.Join(err, c.report(ctx, out, err == nil))
	}
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// showLive shows the live view, and reports whether plain lines are printed after it.
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
	stream, err := c.terminal.showLive(seeing)
	if err != nil {
		c.program.Warn(err)
	}
	if !stream {
		select {
		case <-c.finished:
		case <-ctx.Done():
		}
	}
	cancel()
	ending.Wait()
	return stream
}

// report writes the report, also as text if that is asked for.
func (c *console) report(ctx context.Context, out io.Writer, text bool) error {
	r := c.awaitEnd(ctx)
	if r == nil {
		return c.ci.close(nil)
	}
	written, failed := c.writer.write(r)
	r = unreported(r, failed)
	switch {
	case !text || c.writer.toStdout():
		return nil
	case c.output.format == formatJSON:
		return objects{out}.result(r)
	}
	err := c.ci.finish(r)
	switch {
	case err != nil:
	case c.output.quiet:
		err = report.Brief(out, r, written)
	default:
		err = report.Text(out, r, written)
	}
	// The log has the whole error of the Tiltfile, the report its first line.
	logged := !c.output.quiet && len(c.output.resources) == 0
	c.told.Store(err == nil && (logged || r.Verdict != session.TiltfileFailed))
	if err == nil {
		err = c.ci.close(r)
	}
	return err
}

// unreported is the report of a run, which isn't a success if reports can't be written.
func unreported(r *report.Report, failed error) *report.Report {
	if failed == nil || !r.Green() {
		return r
	}
	changed := *r
	changed.ExitCode, changed.Error = command.ExitFailure, failed.Error()
	return &changed
}

// awaitEnd returns the report, nil if there is none when everything else has stopped.
func (c *console) awaitEnd(ctx context.Context) *report.Report {
	select {
	case r := <-c.ended:
		return r
	case <-ctx.Done():
	}
	select {
	case r := <-c.ended:
		return r
	default:
		return nil
	}
}

// printLogs prints the lines of the run, each with the name of its resource in front, and what becomes of its targets,
// until the store is closed. A line is printed at once, lines that wait together, those of a CI system in blocks.
func (c *console) printLogs(ctx context.Context, out io.Writer) error {
	if c.output.quiet {
		<-c.finished
		return nil
	}
	ctx, stop := c.untilBehind(ctx)
	defer stop()
	p := &printing{
		snapshots: c.snapshots, only: c.output.lines(), clock: clock.RealClock{}, style: c.style,
		lines: people{logs.NewPrinter(hasty{ctx, out}, c.output.logStyle(c.began)), c.style},
	}
	switch {
	case c.output.format == formatJSON:
		p.lines = objects{hasty{ctx, out}}
	case c.ci.inBlocks():
		p.lines = blocks{c.ci, c.style}
	}
	err := p.print(ctx, c.logs)
	if !errors.Is(err, errBehind) {
		return err
	}
	if c.output.format != formatJSON {
		_, err = fmt.Fprintf(out, "[The last lines are missing here: %v]\n", errBehind)
		return err
	}
	return nil
}

// untilBehind returns a context that is done when a signal has come and its reader has had its time for the backlog of
// lines, so that there is time for the report.
func (c *console) untilBehind(ctx context.Context) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var waiting sync.WaitGroup
	waiting.Go(func() {
		select {
		case <-c.hurried:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(backlogGrace):
			cancel()
		case <-ctx.Done():
		}
	})
	return ctx, func() { cancel(); waiting.Wait() }
}
