// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/probe"
	"tilt.dev/session/pkg/process"
)

// played are the updates and runtimes of a world: processes and probes that the test plays.
type played struct{ *world }

var (
	_ Updater = played{}
	_ Runner  = played{}
)

func (p played) StartUpdate(request UpdateRequest) (Activity, error) {
	switch update := request.Update.(type) {
	case *model.Command:
		process, err := p.begin(request.Log, request.Environ, update)
		if err != nil {
			return nil, err
		}
		return &fakeActivity{fakeProcess: process}, nil
	default:
		return p.play(request.Task+":update", request, nil)
	}
}

func (p played) StartRuntime(request RuntimeRequest) (Runtime, error) {
	server, ok := request.Runtime.(*model.Server)
	if !ok {
		return p.play(request.Task+":runtime", UpdateRequest{}, &request)
	}
	process, err := p.begin(request.Log, request.Environ, &server.Command)
	if err != nil {
		return nil, err
	}
	a := &fakeActivity{fakeProcess: process, server: true, done: make(chan struct{})}
	var ctx context.Context
	ctx, a.cancel = context.WithCancel(context.Background())
	var probing sync.WaitGroup
	if server.Readiness != nil {
		probing.Go(func() {
			p.probe(ctx, *server.Readiness, func(r probe.Result) { request.Report(reportOf(r, request.Log)) })
		})
	}
	go func() {
		<-process.done
		a.cancel()
		probing.Wait()
		close(a.done)
	}()
	return a, nil
}

func reportOf(r probe.Result, log Log) Report {
	if r.Changed && !r.Ready {
		log.Append(logs.LevelWarn, "Readiness probe failed: "+r.Output)
	}
	phase := Starting
	if r.Ready {
		phase = Ready
	}
	return Report{Phase: phase, Detail: r.Output}
}

func (p played) begin(log Log, environ []string, command *model.Command) (*fakeProcess, error) {
	log.Append(logs.LevelInfo, "Running cmd: "+command.String())
	output := log.Writer()
	started, err := p.launch(process.Spec{
		Argv: command.Argv, Dir: command.Dir, Env: slices.Concat(environ, command.Env), Output: output,
	})
	if err != nil {
		_ = output.Close()
	}
	return started, err
}

// fakeActivity is a fakeProcess as an activity.
type fakeActivity struct {
	*fakeProcess
	server bool
	// cancel and done are set for a server.
	cancel context.CancelFunc
	done   chan struct{}
}

var _ Runtime = (*fakeActivity)(nil)

func (a *fakeActivity) Done() <-chan struct{} {
	if a.server {
		return a.done
	}
	return a.fakeProcess.done
}

func (a *fakeActivity) Ending() bool { return a.Exited() }

func (a *fakeActivity) Renew(RuntimeRequest) bool { return false }

func (a *fakeActivity) Stop(grace time.Duration) {
	if a.cancel != nil {
		a.cancel()
	}
	a.fakeProcess.Stop(grace)
}

func (a *fakeActivity) End() End {
	exit := a.Exit()
	end := End{Signal: exit.Signal}
	if exit.Signal == "" {
		end.Code = &exit.Code
	}
	switch {
	case !a.server && exit != process.Exit{}:
		end.Error = exit.String()
	case !a.server:
	case exit.Signal != "":
		end.Error = fmt.Sprintf("Process %d was killed by signal: %s", a.pid, exit.Signal)
	case exit.Code == 0:
		end.Error = fmt.Sprintf("Process %d exited with code 0, but servers are expected to run indefinitely", a.pid)
	default:
		end.Error = fmt.Sprintf("Process %d exited with code %d", a.pid, exit.Code)
	}
	return end
}

// performance is a build, a deploy or a workload that the test plays.
type performance struct {
	*fakeProcess
	UpdateRequest
	runtime *RuntimeRequest
	end     End
	renewed []RuntimeRequest
	// onRenew is called when it is renewed. It may be nil.
	onRenew func()
	world   *world
	files   [][]ChangedFile
}

var _ LiveUpdater = (*performance)(nil)

// StartLiveUpdate begins a performance whose target ends in "live".
func (d *performance) StartLiveUpdate(request LiveUpdateRequest) (Activity, error) {
	return played{d.world}.play(request.Task+":live", UpdateRequest{}, nil, request.Files...)
}

// play begins a performance, unless it is refused or held back like a process.
func (p played) play(
	target string, update UpdateRequest, runtime *RuntimeRequest, files ...[]ChangedFile,
) (*performance, error) {
	process, err := p.launch(process.Spec{Argv: []string{target}})
	if err != nil {
		return nil, err
	}
	done := &performance{fakeProcess: process, UpdateRequest: update, runtime: runtime, world: p.world, files: files}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.performances[target] = done
	if p.perform != nil {
		p.perform(target, done)
	}
	return done, nil
}

func (d *performance) Ending() bool { return d.Exited() }

func (d *performance) End() End { return d.end }

func (d *performance) Renew(request RuntimeRequest) bool {
	d.renewed = append(d.renewed, request)
	d.runtime = &request
	if d.onRenew != nil {
		d.onRenew()
	}
	return true
}

// performance returns the build, deploy or workload of a target, which must have begun.
func (w *world) performance(target string) *performance {
	w.t.Helper()
	w.process(target)
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.performances[target]
}

// finish ends a build or a deploy.
func (w *world) finish(target string, end End) {
	w.t.Helper()
	d := w.performance(target)
	d.end = end
	d.fakeProcess.end(process.Exit{})
}
