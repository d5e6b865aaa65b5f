// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/cli/webpage"
	"tilt.dev/session/pkg/generated/clientset/versioned"
	"tilt.dev/session/pkg/kubeconfig"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/view"
)

// detachedFlag is the hidden flag of a run in the background. Its value is the file that its output goes to.
const detachedFlag = "detached"

// detachOptions are the flags of up for a run in the background.
type detachOptions struct {
	detach  bool
	timeout time.Duration
	// log is the value of detachedFlag.
	log string
}

func (d *detachOptions) addFlags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&d.detach, "detach", false,
		`run in the background and return when everything is ready; "tilt-session stop" ends the run`)
	cmd.Flags().DurationVar(&d.timeout, "detach-timeout", 10*time.Minute,
		"with --detach, how long to wait until everything is ready, 0 for no limit")
	cmd.Flags().StringVar(&d.log, detachedFlag, "", "")
	cmd.Flags().Lookup(detachedFlag).Hidden = true
}

// background is a run in the background, seen from the process that has started it.
type background struct {
	process *os.Process
	// log is what the run writes. The run removes it at its end.
	log *os.File
	// entry is how to reach it, once it's there.
	entry *kubeconfig.Running
	// client is for that entry.
	client versioned.Interface
	// web is true if it serves the web page.
	web bool
	// ended is its exit code once it has ended.
	ended *int
}

// startDetached starts the same command in the background and returns when everything is ready, or with why it isn't.
// A run whose start fails is ended. One with a failed target goes on, as does one that isn't ready in time.
func (o *options) startDetached(ctx context.Context, p command.Program) error {
	if info, err := os.Stat(o.file); err == nil && !info.Mode().IsRegular() {
		return command.WithCode(command.ExitUsage, "--detach requires a Tiltfile in a regular file, got %s", o.file)
	}
	b, err := startBackground()
	if err != nil {
		return command.WithCode(command.ExitFailure, "start the run in the background: %w", err)
	}
	defer b.log.Close()
	b.web = o.web.On()
	signals := p.Notify()
	limit := make(<-chan time.Time)
	if o.detached.timeout > 0 {
		limit = time.After(o.detached.timeout)
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case signal := <-signals:
			fmt.Fprintf(p.Streams.ErrOut, "Stopping the run (process %d); another signal ends it at once.\n", b.process.Pid)
			b.end(signals)
			number, _ := signal.(syscall.Signal)
			return command.WithCode(exitBySignal+int(number), "ended by a signal before everything was ready: %v", signal)
		case <-limit:
			_ = b.describe(p, "isn't ready yet") // The exit code says more.
			return command.WithCode(command.ExitTimeout, "not ready after %v; the run goes on", o.detached.timeout)
		case <-tick.C:
		}
		if b.hasEnded() {
			return b.failedStart(p)
		}
		s := b.session(ctx)
		if s == nil {
			continue
		}
		if text := tiltfileError(s); text != "" {
			b.end(signals)
			return command.WithCode(command.ExitUsage, "%s", text)
		}
		switch sum := view.Summarize(s, time.Now()); sum.State {
		case view.StateReady, view.StateSucceeded:
			if o.openPage {
				if err := openPage(ctx, webpage.AddressesOf(ctx, b.client.TiltV1alpha1().RESTClient(), false)); err != nil {
					p.Warn(err)
				}
			}
			return b.describe(p, "is ready after "+view.Duration(sum.Took))
		case view.StateFailed:
			_ = b.describe(p, "goes on") // The exit code says more.
			return failedTarget(s)
		}
	}
}

// startBackground starts this program with the same arguments in a session of its own.
func startBackground() (*background, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log, err := createLog()
	if err != nil {
		return nil, err
	}
	at := slices.Index(os.Args, "up") + 1
	cmd := &exec.Cmd{
		Path:   program,
		Args:   slices.Insert(slices.Clone(os.Args), at, "--"+detachedFlag+"="+log.Name()),
		Stdout: log, Stderr: log,
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, log.Close(), os.Remove(log.Name()))
	}
	return &background{process: cmd.Process, log: log}, nil
}

// hasEnded reports whether the process has ended.
func (b *background) hasEnded() bool {
	var status syscall.WaitStatus
	if pid, err := syscall.Wait4(b.process.Pid, &status, syscall.WNOHANG, nil); pid == b.process.Pid && err == nil {
		code := status.ExitStatus()
		if status.Signaled() {
			code = exitBySignal + int(status.Signal())
		}
		b.ended = &code
	}
	return b.ended != nil
}

// end ends the run and waits for that. Each further signal is passed on, so that the second ends it at once.
func (b *background) end(signals <-chan os.Signal) {
	_ = b.process.Signal(syscall.SIGTERM) // It has ended if that fails.
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for !b.hasEnded() {
		select {
		case <-signals:
			_ = b.process.Signal(syscall.SIGTERM)
		case <-tick.C:
		}
	}
	_ = os.Remove(b.log.Name()) // A run that was killed hasn't removed it.
}

// failedStart prints what a run has written that has ended by itself, and returns its exit code.
func (b *background) failedStart(p command.Program) error {
	// The position in the file is that of the run, too.
	_, _ = io.Copy(p.Streams.ErrOut, io.NewSectionReader(b.log, 0, math.MaxInt64))
	_ = os.Remove(b.log.Name())
	if *b.ended == 0 {
		return command.WithCode(command.ExitFailure, "the run has ended")
	}
	return command.WithoutMessage(*b.ended)
}

// session is the Session of the run, nil until it can be read.
func (b *background) session(ctx context.Context) *v1alpha1.Session {
	if b.client == nil && b.connect() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	s, err := b.client.TiltV1alpha1().Sessions().Get(ctx, command.SessionName, metav1.GetOptions{})
	if err != nil {
		return nil
	}
	return s
}

// connect finds the entry of the run in the kubeconfig.
func (b *background) connect() error {
	location, err := kubeconfig.Locate(os.Getenv)
	if err != nil {
		return err
	}
	running, err := location.Running()
	if err != nil {
		return err
	}
	at := slices.IndexFunc(running, func(r kubeconfig.Running) bool { return r.PID == b.process.Pid })
	if at < 0 {
		return errors.New("it has no entry yet")
	}
	config, err := location.Load(running[at].Port)
	if err != nil {
		return err
	}
	client, err := config.ClientConfig()
	if err != nil {
		return err
	}
	if b.client, err = versioned.NewForConfig(client); err != nil {
		return err
	}
	b.entry = &running[at]
	return nil
}

// describe prints where the run is, how to see it and how to end it.
func (b *background) describe(p command.Program, state string) error {
	fmt.Fprintf(p.Streams.Out, "The run in the background (process %d) %s.\n", b.process.Pid, state)
	if b.entry != nil {
		port, web := "", ""
		if b.entry.Port != command.DefaultPort {
			port = fmt.Sprintf(" --port %d", b.entry.Port)
		}
		if b.web {
			web = fmt.Sprintf("  web:     tilt-session ui%s\n", port)
		}
		fmt.Fprintf(p.Streams.Out, "  see it:  tilt-session status%[1]s, tilt-session logs --follow%[1]s\n"+
			"%[2]s  end it:  tilt-session stop%[1]s\n", port, web)
	}
	_, err := fmt.Fprintf(p.Streams.Out, "  output:  %s\n", b.log.Name())
	return command.Printed(errors.Join(err, b.process.Release()))
}

// tiltfileError is the error of the Tiltfile of a Session, empty without one.
func tiltfileError(s *v1alpha1.Session) string {
	for _, t := range s.Status.Targets {
		if end := t.State.Terminated; end != nil && slices.Contains(t.Resources, model.TiltfileResource) {
			return end.Error
		}
	}
	return ""
}

// failedTarget is the error of a Session in which something has failed.
func failedTarget(s *v1alpha1.Session) error {
	var failed []string
	for _, row := range view.Rows(s) {
		if row.State() == "failed" {
			failed = append(failed, fmt.Sprintf("%s: %s", row.Name, row.Why()))
		}
	}
	if len(failed) == 0 {
		return command.WithCode(command.ExitFailure, "%s", s.Status.Error)
	}
	return command.WithCode(command.ExitFailure, "%s", failed[0])
}
