// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/controller"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/session"
	"tilt.dev/session/pkg/text"
)

// sessionLogLimit is how many bytes of the output of one Session of many are
// kept in memory.
const sessionLogLimit = 4 << 20

// sessions are the runs of a service.
type sessions struct {
	running *controller.Running

	mu sync.Mutex
	// runs are those that haven't ended yet.
	runs map[*servedRun]struct{}
	// killed is true once nothing has a grace any more.
	killed bool
}

func newSessions() *sessions {
	return &sessions{running: controller.NewRunning(), runs: map[*servedRun]struct{}{}}
}

func (s *sessions) add(r *servedRun) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs[r] = struct{}{}
	if s.killed {
		r.Kill()
	}
}

func (s *sessions) remove(r *servedRun) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.runs, r)
}

// find returns the run of a Session, nil if it has none.
func (s *sessions) find(uid types.UID) *servedRun {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for r := range s.runs {
		if r.session.UID == uid {
			return r
		}
	}
	return nil
}

// kill takes the grace away from all processes.
func (s *sessions) kill() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.killed = true
	for r := range s.runs {
		r.Kill()
	}
}

// servedRun is the run of one Session, of whose beginning and end a person is told.
type servedRun struct {
	*engine.Engine
	service *service
	session *v1alpha1.Session
	// end is that of the Session, which is known before the run is ended.
	end atomic.Pointer[controller.Outcome]
}

// Run implements controller.Run.
func (r *servedRun) Run(ctx context.Context) error {
	s := r.service
	s.sessions.add(r)
	defer s.sessions.remove(r)
	began := time.Now()
	fmt.Fprintf(s.program.Streams.Out, "Session %s: runs %s\n", r.session.Name, r.session.Spec.TiltfilePath)
	err := r.Engine.Run(ctx)
	r.Logs().Close() // who follows it has seen everything
	fmt.Fprintf(s.program.Streams.Out, "Session %s: %s after %v\n", r.session.Name, r.outcome(),
		time.Since(began).Round(time.Millisecond))
	return err
}

// finish keeps the end of a Session for the line that is printed when its run has ended.
// It prints that of a Session without a run: it has failed, or can't run before it changes.
func (s *service) finish(o controller.Outcome) {
	if r := s.sessions.find(o.Session.UID); r != nil {
		r.end.Store(&o)
		return
	}
	stored := o.Session
	what := "failed"
	text := stored.Status.Error
	if !stored.Status.Done {
		what = "can't be run"
		for _, failed := range session.Failures(stored.Status) {
			text = failed.State.Terminated.Error
		}
	}
	fmt.Fprintf(s.program.Streams.Out, "Session %s: %s (%s)\n", stored.Name, what, brief(text))
}

// outcome is what came of the Session.
func (r *servedRun) outcome() string {
	end := r.end.Load()
	switch {
	case end == nil || end.Deleted:
		return "ended"
	case session.VerdictOf(end.Session.Status) == session.Interrupted && end.Err == nil:
		return "interrupted before its verdict"
	}
	return verdictWord(end.Session)
}

func verdictWord(done *v1alpha1.Session) string {
	if done.Status.Error == "" {
		return "succeeded"
	}
	return fmt.Sprintf("failed (%s)", brief(done.Status.Error))
}

// brief is an error for one line among others.
func brief(err string) string { return text.Cut(text.ErrorLine(err), 200) }

// deliver waits until watches have the verdict of a Session.
func (s *service) deliver(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, deliveryTimeout)
	defer cancel()
	_ = s.server.Delivered(ctx)
}

// prepareRuns starts what runs of Sessions share.
func (s *service) prepareRuns() (err error) {
	s.sessions = newSessions()
	s.engines, err = newEngines(s.options.killGrace, true, s.warn)
	return err
}

// control adds the controller to the server. Where Sessions are only served it
// lets go of those that are deleted, which a run may have held before. The Sessions
// of an etcd are left alone: no server has run them, and whoever does elsewhere
// holds them for as long as that takes.
func (s *service) control() (err error) {
	if s.options.storage == storageEtcd {
		return nil
	}
	config := controller.Config{
		ClientConfig: s.server.LoopbackClientConfig(),
		Runs:         func(*v1alpha1.Session) bool { return s.options.runSessions },
		NewRun:       s.newRun,
		Delivered:    s.deliver,
		Finished:     s.finish,
		MaxRunning:   s.options.maxRunning,
	}
	if s.options.runSessions {
		host := defaultHost
		if s.options.server.BindAddress == "::1" {
			host = "::1" // which localhost needn't be
		}
		s.engines.commands = surroundings(host, s.entry.Port)
		config.Running = s.sessions.running
	}
	s.controller, err = controller.New(config)
	if err != nil {
		return withCode(ExitAPI, "%w", err)
	}
	return errors.Join(
		s.server.AddReadyzCheck("informers", s.controller.InformersSynced),
		s.server.AddReadyzCheck("controller", s.controller.Working))
}

// runController reconciles Sessions until ctx is done, if that's done here.
func (s *service) runController(ctx context.Context) error {
	if s.controller == nil {
		<-ctx.Done()
		return nil
	}
	return s.controller.Run(ctx)
}

// newRun is an engine for a Session.
func (s *service) newRun(stored *v1alpha1.Session, onChange func(*engine.Snapshot)) controller.Run {
	return &servedRun{service: s, session: stored, Engine: s.engines.engine(order{
		session:  stored,
		args:     stored.Spec.Args,
		started:  time.Now(),
		log:      logs.New(sessionLogLimit, s.engines.clock),
		onChange: onChange,
	})}
}
