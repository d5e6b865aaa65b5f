// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/controller"
	"tilt.dev/session/pkg/generated/clientset/versioned"
	"tilt.dev/session/pkg/host"
	"tilt.dev/session/pkg/kubeconfig"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/session"
	"tilt.dev/session/pkg/storage"
)

// arrivalTimeout bounds how long the command waits for the first request of clients
// that connected before the server was ready, so that they see the Session created.
const arrivalTimeout = 100 * time.Millisecond

// deletionLinger is how long the API stays up after the deletion of the Session. A client that waits for the deletion
// looks again for the Session, and would wait for ever for a server that has ended.
const deletionLinger = 2 * time.Second

// run runs a Tiltfile as the Session "Tiltfile" until there's a verdict or a signal, and returns when nothing of it is
// left. It reports each end that it can have.
func (o *options) run(ctx context.Context, p command.Program) error {
	host.SetGCPercent(host.StartPercent)
	style := o.colours.Style(p.Streams.Out)
	shared := sameFile(p.Streams.Out, p.Streams.ErrOut)
	terminal := o.newTerminal(&p, &host.API{})
	ci := o.newCILog(&p)
	out := newConsole(p, terminal, o.exitCondition == v1alpha1.ExitConditionCI)
	out.output, out.style = o.output, style
	end := newEnding(o, p, out.logs)
	out.writer, out.ci = end.writer, ci
	defer end.afterPanic()
	err := o.ciSystems.harmlessError(p, end.finish(o.runSession(ctx, p, out, end)))
	if err != nil && shared && out.told.Load() {
		return command.WithoutMessage(p.ExitCode(err))
	}
	return err
}

// sameFile reports whether two streams are one file, such as a terminal.
func sameFile(a, b any) bool {
	var infos [2]os.FileInfo
	for i, stream := range []any{a, b} {
		file, ok := stream.(*os.File)
		if !ok {
			return false
		}
		var err error
		if infos[i], err = file.Stat(); err != nil {
			return false
		}
	}
	return os.SameFile(infos[0], infos[1])
}

func (o *options) runSession(ctx context.Context, p command.Program, out *console, end *ending) error {
	if err := command.DirectLog(p.Streams.ErrOut, o.verbosity); err != nil {
		return command.Failed(err)
	}
	systemd, err := host.TakeSystemd()
	if err != nil {
		return command.WithCode(command.ExitUsage, "read the environment that systemd sets: %w", err)
	}
	api := out.api
	*api = host.API{
		Server:      apiserver.NewOptions(),
		Open:        storage.NewMemory,
		Address:     o.address,
		AddressFlag: fmt.Sprintf("--host %q", o.Host),
		PortFlag:    "--port",
		Tiltfile:    o.file,
		Warn:        p.Warn,
	}
	api.Server.Port, api.Server.Version, api.Server.Web = o.Port, p.Version, o.web.Options()
	ended := make(chan controller.Outcome, 1)
	runner := host.NewRunner(api, host.RunnerOptions{
		Only: command.SessionName,
		Engines: host.Engines{
			Watch:       o.exitCondition == v1alpha1.ExitConditionManual,
			OpenFiles:   true,
			MaxDataSize: o.maxDataSize,
			KillGrace:   o.killGrace,
			Environ:     out.terminal.children,
			Targets:     o.targets.Targets,
			Notice:      func(text string) { fmt.Fprintln(p.Streams.ErrOut, text) },
			Began:       time.Now(),
		},
		Log:     func() *logs.Store { return out.logs },
		Started: end.began,
		Changed: out.snapshots.add,
		Ended: func(outcome controller.Outcome) {
			if !outcome.Deleted && !outcome.Session.Status.Done {
				return // A manual Session can run once its spec has changed.
			}
			out.finish(end.of(outcome))
			select {
			case ended <- outcome:
			default: // A Session of that name was created again.
			}
		},
	})
	between := []host.Part{api.Arrivals(arrivalTimeout), out.part()}
	if o.reports.logDir != "" {
		between = append(between, o.logDirectory(out.logs, p.Warn))
	}
	steps := runner.Steps(between...)
	steps = append(steps, []host.Part{systemd.Part(api)})

	err, late := p.Group().Run(ctx, steps, func(ctx context.Context) error {
		host.SetGCPercent(host.RunPercent)
		if err := o.create(ctx, api); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case outcome := <-ended:
			stay := o.linger
			if outcome.Deleted {
				stay = deletionLinger
			}
			select {
			case <-time.After(stay):
			case <-ctx.Done():
			}
			return o.verdict(outcome)
		case <-ctx.Done():
		}
		cause := context.Cause(ctx)
		if signal := new(host.SignalError); errors.As(cause, &signal) {
			end.signal.Store(signal)
			out.hurry()
		}
		if o.exitCondition == v1alpha1.ExitConditionManual {
			out.finish(end.without(cause)) // The runner reports no end.
		}
		return cause
	})
	if late != nil {
		p.Warn(late)
	}
	signal := end.signal.Load()
	select {
	case outcome := <-ended: // It came together with a signal or with the failure of a part.
		return o.result(outcome, signal)
	default:
	}
	if signal := new(host.SignalError); errors.As(err, &signal) {
		end.signal.Store(signal)
		return o.signalled(signal)
	}
	return command.Failed(o.portError(p, err))
}

// portError is err, in other words if it is that a run of a Tiltfile has the port.
func (o *options) portError(p command.Program, err error) error {
	if p.Tilt || !errors.Is(err, syscall.EADDRINUSE) {
		return err
	}
	location, wrong := kubeconfig.Locate(os.Getenv)
	if wrong != nil {
		return err
	}
	running, _ := location.Running() // What can't be read names no run.
	for _, r := range running {
		if r.Port != o.Port || r.Tiltfile == "" {
			continue
		}
		what := "the run of " + r.Tiltfile
		if r.Tiltfile == o.file {
			what = "a run of this Tiltfile"
		}
		return command.WithCode(command.ExitAPI, "port %d belongs to %s (context %s, process %d): "+
			`look at it with "tilt-session status", end it with "tilt-session stop", or choose another port with --port`,
			r.Port, what, r.Name, r.PID)
	}
	return err
}

// result is the error of a run that has ended, perhaps by a signal.
func (o *options) result(end controller.Outcome, signal *host.SignalError) error {
	if signal != nil && session.VerdictOf(end.Session.Status) == session.Interrupted {
		return o.signalled(signal)
	}
	return o.verdict(end)
}

func (o *options) create(ctx context.Context, api *host.API) error {
	client, err := versioned.NewForConfig(api.ClientConfig())
	if err == nil {
		options := metav1.CreateOptions{FieldManager: controller.FieldManager}
		_, err = client.TiltV1alpha1().Sessions().Create(ctx, o.session(), options)
	}
	if err != nil {
		return command.WithCode(command.ExitAPI, "create the Session: %w", err)
	}
	return nil
}

// exitBySignal is added to the number of a signal for the exit code, as shells do.
const exitBySignal = 128

// signalled is the error of a run that a signal has ended. That's how up ends; ci should have reached a verdict.
func (o *options) signalled(s *host.SignalError) error {
	if o.exitCondition == v1alpha1.ExitConditionManual {
		return nil
	}
	number, ok := s.Signal.(syscall.Signal)
	if !ok {
		number = syscall.SIGINT
	}
	return command.WithCode(exitBySignal+int(number), "ended by a signal before the verdict: %v", s.Signal)
}

// verdict is the error of a run that has ended. The deletion of its Session ends up as a signal does, and fails ci.
func (o *options) verdict(end controller.Outcome) error {
	switch {
	case !end.Deleted:
		return verdictError(end.Session.Status)
	case o.exitCondition == v1alpha1.ExitConditionManual:
		return nil
	}
	return command.WithCode(command.ExitFailure, "Session was deleted")
}

// verdictError is the error of a Session with a verdict, nil if it succeeded.
func verdictError(status v1alpha1.SessionStatus) error {
	switch session.VerdictOf(status) {
	case session.Succeeded:
		return nil
	case session.TiltfileFailed:
		return command.WithCode(command.ExitUsage, "%s", status.Error)
	case session.Timeout, session.ReadinessTimeout:
		return command.WithCode(command.ExitTimeout, "%s", status.Error)
	}
	if failures := session.Failures(status); len(failures) > 0 && failures[0].State.Terminated.Error == status.Error {
		return command.WithCode(command.ExitFailure, "%s: %s", failures[0].Name, status.Error)
	}
	return command.WithCode(command.ExitFailure, "%s", status.Error)
}
