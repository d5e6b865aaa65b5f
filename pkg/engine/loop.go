// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"sync"
	"time"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

// loop is the state of a run. Only the goroutine in run touches it.
type loop struct {
	config  Config
	engine  *Engine
	mailbox *mailbox

	tiltfile TiltfileState
	settings settings
	// environ is the environment of commands that don't add to it. Nobody
	// appends to it in place.
	environ []string
	// tasks and resources hold the same resources at the same indexes.
	tasks     []task
	resources []*resource

	// executions are those whose process may exist.
	executions map[*execution]struct{}
	// stopping is true once everything is to end.
	stopping bool
	grace    time.Duration

	// pending counts the effects that haven't reported their end, effects
	// those whose goroutines exist.
	pending int
	effects sync.WaitGroup

	// answers are for the requests of the batch of messages at hand.
	answers []answer
	// starts is memory for the next decision.
	starts []start
}

func newLoop(e *Engine) *loop {
	return &loop{
		config:     e.config,
		engine:     e,
		mailbox:    e.mailbox,
		tiltfile:   TiltfileState{Path: e.config.Tiltfile, Args: e.config.Args},
		settings:   settings{slots: model.DefaultMaxParallelUpdates, failFast: e.config.FailFast},
		executions: map[*execution]struct{}{},
		grace:      e.config.KillGrace,
	}
}

func (l *loop) run(ctx context.Context) {
	defer l.end()
	if ctx.Err() != nil {
		return
	}
	l.evaluate(ctx)
	l.publish()
	for {
		select {
		case <-ctx.Done():
		case <-l.mailbox.filled:
		}
		messages := l.mailbox.take()
		// Asked only after the messages were taken: those that were put after
		// ctx was done may tell of its consequences, which aren't published.
		if ctx.Err() != nil {
			l.stop(ctx, messages)
			return
		}
		l.apply(ctx, messages)
		l.advance()
		l.publish()
		l.reply()
	}
}

// end refuses the requests that came too late.
func (l *loop) end() {
	l.stopping = true
	l.apply(context.Background(), l.mailbox.close())
}

// stop ends all processes and waits for all effects. From here on messages
// only serve to reach those ends.
func (l *loop) stop(ctx context.Context, messages []message) {
	l.stopping = true
	l.stopProcesses()
	l.apply(ctx, messages)
	for l.pending > 0 {
		<-l.mailbox.filled
		l.apply(ctx, l.mailbox.take())
	}
	l.effects.Wait()
}

func (l *loop) stopProcesses() {
	for x := range l.executions {
		if x.process != nil {
			x.process.Stop(l.grace)
		}
	}
}

func (l *loop) apply(ctx context.Context, messages []message) {
	for _, m := range messages {
		m.apply(ctx, l)
	}
}

// advance starts everything that can be started.
func (l *loop) advance() {
	for {
		l.starts = next(l.starts[:0], l.tasks, l.settings)
		if len(l.starts) == 0 {
			return
		}
		for _, s := range l.starts {
			r := l.resources[s.resource]
			if s.server {
				l.launchServer(r)
			} else {
				l.beginUpdate(r)
			}
		}
	}
}

// effect runs f in a goroutine that Run waits for. f touches no state and
// reports by messages; it has to return soon after ctx is done or, for a
// process, after it was stopped.
func (l *loop) effect(f func()) {
	l.pending++
	l.effects.Go(func() {
		defer l.mailbox.put(effectEnded{})
		f()
	})
}

func (l *loop) log(source string, level logs.Level, text string) {
	l.config.Logs.Append(source, level, text)
}

// effectEnded is the last message of an effect.
type effectEnded struct{}

func (effectEnded) apply(_ context.Context, l *loop) {
	l.pending--
}

type failFastSet struct{ failFast bool }

func (m failFastSet) apply(_ context.Context, l *loop) {
	l.settings.failFast = m.failFast
}

type killed struct{}

func (killed) apply(_ context.Context, l *loop) {
	l.grace = 0
	if l.stopping {
		l.stopProcesses()
	}
}
