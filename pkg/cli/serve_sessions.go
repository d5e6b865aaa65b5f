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

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/controller"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/generated/clientset/versioned"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/session"
	"tilt.dev/session/pkg/text"
)

// sessionLogLimit is how many bytes of the output of one Session of many are
// kept in memory.
const sessionLogLimit = 4 << 20

// outcomeTimeout bounds how long is taken to tell what came of a Session.
const outcomeTimeout = time.Second

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

// done notes what a Session has come to, before its run is ended.
func (s *sessions) done(done *v1alpha1.Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for r := range s.runs {
		if r.session.UID == done.UID {
			r.verdict.Store(done)
		}
	}
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
	// verdict is the Session once it's done, whether that could be stored or not.
	verdict atomic.Pointer[v1alpha1.Session]
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
	fmt.Fprintf(s.program.Streams.Out, "Session %s: %s after %v\n", r.session.Name, r.outcome(ctx),
		time.Since(began).Round(time.Millisecond))
	return err
}

// tellNotRun tells a person of a Session that has failed without a run, or that
// can't be run before somebody changes it.
func (s *service) tellNotRun(stored *v1alpha1.Session) {
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

// outcome is what came of the Session, as far as it can be told.
func (r *servedRun) outcome(ctx context.Context) string {
	if done := r.verdict.Load(); done != nil {
		return verdictWord(done)
	}
	stopped := ctx.Err() != nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), outcomeTimeout)
	defer cancel()
	client, err := versioned.NewForConfig(r.service.server.LoopbackClientConfig())
	if err != nil {
		return "ended"
	}
	now, err := client.TiltV1alpha1().Sessions().Get(ctx, r.session.Name, metav1.GetOptions{})
	switch {
	case err != nil || now.UID != r.session.UID:
		return "ended"
	case now.Status.Done:
		return verdictWord(now)
	case stopped && now.DeletionTimestamp == nil && now.Spec.ExitCondition == v1alpha1.ExitConditionCI:
		return "interrupted before its verdict"
	}
	return "ended"
}

func verdictWord(done *v1alpha1.Session) string {
	if done.Status.Error == "" {
		return "succeeded"
	}
	return fmt.Sprintf("failed (%s)", brief(done.Status.Error))
}

// brief is an error for one line among others.
func brief(err string) string { return text.Cut(text.ErrorLine(err), 200) }

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
		NotRun:       s.tellNotRun,
		Durable:      true,
		MaxRunning:   s.options.maxRunning,
	}
	if s.options.runSessions {
		host := defaultHost
		if s.options.server.BindAddress == "::1" {
			host = "::1" // which localhost needn't be
		}
		s.engines.commands = surroundings(host, s.entry.Port)
		config.Running, config.Done = s.sessions.running, s.sessions.done
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
