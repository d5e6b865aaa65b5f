// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package local runs the commands of local resources: jobs as updates, servers with their readiness probes as runtimes.
package local

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/probe"
	"tilt.dev/session/pkg/process"
)

// Commands starts the commands of a run. It owns nothing: each activity ends by itself or is stopped.
type Commands struct {
	// Start launches a command.
	Start func(process.Spec) (*process.Process, error)
	// Prober checks the readiness of servers.
	Prober *probe.Prober
}

var (
	_ engine.Updater = (*Commands)(nil)
	_ engine.Runner  = (*Commands)(nil)
)

// StartUpdate implements engine.Updater for a *model.Command.
func (c *Commands) StartUpdate(request engine.UpdateRequest) (engine.Activity, error) {
	command, ok := request.Update.(*model.Command)
	if !ok {
		return nil, fmt.Errorf("%T isn't a command", request.Update)
	}
	return c.start(request.Log, request.Environ, command, nil)
}

// StartRuntime implements engine.Runner for a *model.Server.
func (c *Commands) StartRuntime(request engine.RuntimeRequest) (engine.Runtime, error) {
	spec, ok := request.Runtime.(*model.Server)
	if !ok {
		return nil, fmt.Errorf("%T isn't a server", request.Runtime)
	}
	a, err := c.start(request.Log, request.Environ, &spec.Command, c.probing(spec.Readiness, request))
	if err != nil {
		return nil, err
	}
	return server{a}, nil
}

// activity is a command that runs.
type activity struct {
	*process.Process
	// cancel ends the probe, for which probing waits.
	cancel  context.CancelFunc
	probing sync.WaitGroup
	done    chan struct{}
}

var _ engine.Activity = (*activity)(nil)

// start launches a command. probe, if set, runs until its context is done.
func (c *Commands) start(
	log engine.Log, environ []string, command *model.Command, probe func(context.Context),
) (*activity, error) {
	log.Append(logs.LevelInfo, "Running cmd: "+command.String())
	output := log.Writer()
	p, err := c.Start(process.Spec{
		Argv: command.Argv, Dir: command.Dir, Env: slices.Concat(environ, command.Env), Output: output,
	})
	if err != nil {
		_ = output.Close() // It never fails.
		return nil, err
	}
	a := &activity{Process: p, done: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	a.cancel = cancel
	if probe != nil {
		a.probing.Go(func() { probe(ctx) })
	}
	go func() {
		defer close(a.done)
		<-p.Done()
		cancel()
		a.probing.Wait()
		_ = output.Close()
	}()
	return a, nil
}

func (a *activity) Done() <-chan struct{} { return a.done }

func (a *activity) Ending() bool { return a.Exited() }

func (a *activity) Stop(grace time.Duration) {
	a.cancel()
	a.Process.Stop(grace)
}

func (a *activity) End() engine.End {
	exit := a.Exit()
	end := engine.End{Signal: exit.Signal}
	if exit.Signal == "" {
		end.Code = &exit.Code
	}
	if exit != (process.Exit{}) {
		end.Error = exit.String()
	}
	return end
}

// server is a server that runs. Its end is always a failure.
type server struct{ *activity }

var _ engine.Runtime = server{}

// Renew returns false: another process has to be started.
func (server) Renew(engine.RuntimeRequest) bool { return false }

func (s server) End() engine.End {
	end := s.activity.End()
	switch {
	case end.Signal != "":
		end.Error = fmt.Sprintf("Process %d was killed by signal: %s", s.PID(), end.Signal)
	case *end.Code == 0:
		end.Error = fmt.Sprintf("Process %d exited with code 0, but servers are expected to run indefinitely", s.PID())
	default:
		end.Error = fmt.Sprintf("Process %d exited with code %d", s.PID(), *end.Code)
	}
	return end
}

// probing returns what probes a server.
func (c *Commands) probing(check *model.Probe, request engine.RuntimeRequest) func(context.Context) {
	if check == nil {
		return nil
	}
	return func(ctx context.Context) {
		c.Prober.Run(ctx, *check, func(result probe.Result) {
			if result.Changed && !result.Ready {
				request.Log.Append(logs.LevelWarn, "Readiness probe failed: "+result.Output)
			}
			report := engine.Report{Phase: engine.Starting, Detail: result.Output}
			if result.Ready {
				report.Phase = engine.Ready
			}
			request.Report(report)
		})
	}
}
