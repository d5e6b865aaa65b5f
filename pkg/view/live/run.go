// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"golang.org/x/term"

	"tilt.dev/session/pkg/view"
)

// framesPerSecond is how often the screen is drawn at most.
const framesPerSecond = 15

// Run shows a view on a terminal until ctx is done or the user leaves it. It takes no signals but SIGTSTP and SIGCONT:
// in the view Ctrl-C is a key. However the view ends, by a panic of its own too, the terminal is as it was before.
func Run(ctx context.Context, in, out *os.File, options Options) (Ending, error) {
	before, err := term.GetState(int(in.Fd()))
	if err != nil {
		return EndedByContext, fmt.Errorf("read the modes of the terminal: %w", err)
	}
	defer func() { _ = term.Restore(int(in.Fd()), before) }()
	ctx, cancel := context.WithCancel(ctx)
	m := NewModel(ctx, options)
	g := &guarded{Model: m, failed: make(chan struct{})}
	program := tea.NewProgram(g, tea.WithInput(in), tea.WithOutput(out), tea.WithoutSignalHandler(),
		tea.WithFPS(framesPerSecond), tea.WithColorProfile(profile(options.Style.Colour)))
	stops := make(chan os.Signal, 1)
	signal.Notify(stops, syscall.SIGTSTP)
	defer signal.Stop(stops)
	m.suspension = &suspension{out: out, stops: stops}

	var work sync.WaitGroup
	work.Go(func() { newFeed(options.Source).run(ctx, program.Send) })
	work.Go(func() {
		for {
			select {
			case <-stops:
				program.Send(suspend{})
			case <-g.failed:
				program.Quit()
				return
			case <-ctx.Done():
				program.Quit()
				return
			}
		}
	})
	_, err = program.Run()
	cancel()
	work.Wait()
	if err = cmp.Or(err, g.err); err != nil {
		return EndedByContext, fmt.Errorf("show the live view: %w", err)
	}
	return m.ending, nil
}

// guarded ends a view that panics as any other. A program that recovers by itself closes its input while it reads that.
type guarded struct {
	*Model
	err error
	// failed is closed with err.
	failed chan struct{}
}

// Update implements tea.Model.
func (g *guarded) Update(msg tea.Msg) (model tea.Model, cmd tea.Cmd) {
	defer g.recover()
	model = g
	if g.err == nil {
		_, cmd = g.Model.Update(msg)
	}
	return model, cmd
}

// View implements tea.Model.
func (g *guarded) View() (v tea.View) {
	defer g.recover()
	if g.err == nil {
		v = g.Model.View()
	}
	return v
}

// recover is deferred.
func (g *guarded) recover() {
	if p := recover(); p != nil {
		g.err = fmt.Errorf("%w: %v\n%s", tea.ErrProgramPanic, p, debug.Stack())
		close(g.failed)
	}
}

// profile is how many colours the renderer leaves.
func profile(colour view.Colour) colorprofile.Profile {
	return [...]colorprofile.Profile{
		view.NoColour: colorprofile.Ascii, view.Colour16: colorprofile.ANSI, view.Colour256: colorprofile.ANSI256,
		view.TrueColour: colorprofile.TrueColor,
	}[colour]
}

// suspend asks to stop this process until the shell continues it.
type suspend struct{}

// suspension stops the processes of the foreground while the terminal is as it was before the view.
type suspension struct {
	out   io.Writer
	stops chan os.Signal
}

var _ tea.ExecCommand = (*suspension)(nil)

// Run implements tea.ExecCommand. What the run has started has process groups of its own, and goes on.
func (s *suspension) Run() error {
	if _, err := fmt.Fprintln(s.out, "Suspended. What the run has started goes on; fg shows it again."); err != nil {
		return err
	}
	continued := make(chan os.Signal, 1)
	signal.Notify(continued, syscall.SIGCONT)
	defer signal.Stop(continued)
	// Go doesn't restore the default of SIGTSTP. So that stops the other processes of the group, SIGSTOP this one.
	signal.Stop(s.stops)
	defer signal.Notify(s.stops, syscall.SIGTSTP)
	_ = syscall.Kill(0, syscall.SIGTSTP)
	if err := syscall.Kill(os.Getpid(), syscall.SIGSTOP); err != nil {
		return err
	}
	<-continued
	return nil
}

// SetStdin implements tea.ExecCommand.
func (s *suspension) SetStdin(io.Reader) {}

// SetStdout implements tea.ExecCommand.
func (s *suspension) SetStdout(io.Writer) {}

// SetStderr implements tea.ExecCommand.
func (s *suspension) SetStderr(io.Writer) {}
