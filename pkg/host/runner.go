// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/controller"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
)

// deliveryTimeout bounds how long connected watches may take to receive the verdict of
// a Session before its run is torn down.
const deliveryTimeout = time.Second

// RunnerOptions say which Sessions a runner runs, and how. Functions are called from several goroutines.
type RunnerOptions struct {
	// Only is the name of the only Session that's run, "" for all Sessions.
	Only string
	// MaxRunning is how many Sessions run at a time, 0 for all of them.
	MaxRunning int
	Engines
	// Log returns the store for the output of a Session.
	Log func() *logs.Store
	// Changed, if set, is called with each snapshot of a run, in order. It must not block.
	Changed func(controller.Run, *engine.Snapshot)
	// Started, if set, is called when the run of a Session begins.
	Started func(*v1alpha1.Session, controller.Run)
	// Ended, if set, is called with the end of a Session, before its run is torn down.
	// It must not wait for the runner.
	Ended func(controller.Outcome)
	// Finished, if set, is called when nothing is left of a run, or when a Session isn't run at all.
	Finished func(Outcome)
}

// Outcome is the end of a Session. A manual Session that the end of the process leaves to the next one is neither done
// nor deleted.
type Outcome struct {
	controller.Outcome
	// Took is how long the run took, 0 if there was none.
	Took time.Duration
}

// Runner runs Sessions of an API.
type Runner struct {
	options    RunnerOptions
	api        *API
	engines    *engines
	table      *controller.Running
	controller *controller.Controller
	// killed is done once processes get no time to end.
	killed context.Context
	kill   context.CancelFunc
}

// NewRunner returns a runner for Sessions of an API that hasn't started.
func NewRunner(api *API, options RunnerOptions) *Runner {
	r := &Runner{options: options, api: api, table: controller.NewRunning()}
	r.killed, r.kill = context.WithCancel(context.Background())
	r.table.Many = options.Only == ""
	api.Server.Runs, api.Server.UI = r.table, r.table
	api.attach = append(api.attach, r.attach)
	return r
}

// Steps are the steps of a process that serves the API and runs its Sessions;
// between are started when the API is ready and stopped before it.
func (r *Runner) Steps(between ...Part) [][]Part {
	steps := append([][]Part{{{Name: "engines", Run: r.prepare}}}, r.api.Steps()...)
	for _, part := range between {
		steps = append(steps, []Part{part})
	}
	return append(steps, []Part{
		{
			Name:  "controller",
			Run:   r.run,
			Hurry: r.kill,
			Patience: fmt.Sprintf(
				"Waiting up to %v for processes to end; another signal kills them at once.",
				r.options.KillGrace,
			),
		},
	})
}

func (r *Runner) prepare(ctx context.Context, ready func()) (err error) {
	if r.engines, err = newEngines(r.options.Engines, r.api.Warn); err != nil {
		return fmt.Errorf("prepare to run commands: %w", err)
	}
	ready()
	<-ctx.Done()
	if err := r.engines.close(); err != nil {
		r.api.Warn(err)
	}
	return nil
}

func (r *Runner) attach(server *apiserver.Server) (err error) {
	r.engines.locate(r.api)
	r.controller, err = controller.New(controller.Config{
		ClientConfig: server.LoopbackClientConfig(),
		Runs:         func(s *v1alpha1.Session) bool { return r.options.Only == "" || s.Name == r.options.Only },
		NewRun:       r.newRun,
		Running:      r.table,
		Delivered:    r.deliver,
		Finished:     r.ended,
		Transient:    r.options.Only != "",
		MaxRunning:   r.options.MaxRunning,
	})
	if err != nil {
		return err
	}
	return errors.Join(
		server.AddReadyzCheck("informers", r.controller.InformersSynced),
		server.AddReadyzCheck("controller", r.controller.Working))
}

func (r *Runner) run(ctx context.Context, ready func()) error {
	defer r.kill()
	ready()
	return r.controller.Run(ctx)
}

// deliver waits until connected watches have the verdict of a Session. A watch that is too slow gets it when it's
// closed.
func (r *Runner) deliver(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, deliveryTimeout)
	defer cancel()
	_ = r.api.server.Load().Delivered(ctx)
}

type sessionRun struct {
	*engine.Engine
	runner  *Runner
	session *v1alpha1.Session
	kinds   *kinds
	// end is the end of the Session, which is known before the run is torn down.
	end atomic.Pointer[controller.Outcome]
}

func (r *Runner) newRun(s *v1alpha1.Session, onChange func(*engine.Snapshot)) controller.Run {
	log := r.options.Log()
	kinds := r.engines.kinds(s, log)
	run := &sessionRun{runner: r, session: s, kinds: kinds}
	run.Engine = r.engines.engine(s, kinds, log, func(snap *engine.Snapshot) {
		if changed := r.options.Changed; changed != nil {
			changed(run, snap)
		}
		onChange(snap)
	})
	return run
}

func (s *sessionRun) Run(ctx context.Context) error {
	defer context.AfterFunc(s.runner.killed, s.Kill)()
	began := time.Now()
	if started := s.runner.options.Started; started != nil {
		started(s.session, s)
	}
	err := s.Engine.Run(ctx)
	closing, cancel := context.WithTimeout(s.runner.killed, s.runner.options.KillGrace)
	s.kinds.close(closing)
	cancel()
	s.Logs().Close()
	end := s.end.Load()
	if end == nil {
		end = &controller.Outcome{Session: s.session, Run: s}
	}
	s.runner.finish(*end, time.Since(began))
	return err
}

func (r *Runner) finish(o controller.Outcome, took time.Duration) {
	if r.options.Finished != nil {
		r.options.Finished(Outcome{Outcome: o, Took: took})
	}
}

// ended is called by the controller with the end of a Session.
func (r *Runner) ended(o controller.Outcome) {
	if run, ok := o.Run.(*sessionRun); ok {
		run.end.Store(&o)
	} else if !o.Deleted {
		r.finish(o, 0)
	}
	if r.options.Ended != nil {
		r.options.Ended(o)
	}
}
