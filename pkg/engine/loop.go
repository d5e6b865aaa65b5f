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
	// ctx is that of Run: whatever the loop starts ends with it.
	ctx context.Context

	tiltfile tiltfile
	settings settings
	// environ is the environment of commands that don't add to it. Nobody
	// appends to it in place.
	environ []string
	// ignores are the exceptions from whatever is watched.
	ignores []model.IgnoreSet
	// tasks and resources hold the same resources at the same indexes, byName
	// those as well.
	tasks      []task
	resources  []*resource
	byName     map[string]*resource
	companions map[string]*companion
	// triggers counts the triggers of resources.
	triggers uint64

	// executions are those whose process may exist, leaving those of them that
	// were given up, by target.
	executions map[*execution]struct{}
	leaving    map[string]*execution
	// stopping is true once everything is to end.
	stopping bool
	grace    time.Duration

	// pending counts the effects that haven't reported their end, effects
	// those whose goroutines exist.
	pending int
	effects sync.WaitGroup

	// touched are the resources that may differ from the last snapshot, whose
	// order is another one if reordered is true, and whose holds were found
	// under conditions.
	touched    []*resource
	reordered  bool
	conditions conditions
	// answers are for the requests of the batch of messages at hand.
	answers []answer
	// starts is memory for the next decision.
	starts []start
}

func newLoop(ctx context.Context, e *Engine) *loop {
	return &loop{
		config:     e.config,
		engine:     e,
		mailbox:    e.mailbox,
		ctx:        ctx,
		tiltfile:   tiltfile{TiltfileState: TiltfileState{Path: e.config.Tiltfile, Args: e.config.Args}},
		settings:   settings{slots: model.DefaultMaxParallelUpdates, failFast: e.config.FailFast},
		companions: map[string]*companion{},
		executions: map[*execution]struct{}{},
		leaving:    map[string]*execution{},
		grace:      e.config.KillGrace,
	}
}

func (l *loop) run() {
	defer l.end()
	if l.ctx.Err() != nil {
		return
	}
	l.watchTiltfile(nil, nil)
	l.evaluate()
	l.publish()
	for {
		select {
		case <-l.ctx.Done():
		case <-l.mailbox.filled:
		}
		messages := l.mailbox.take()
		// Asked only after the messages were taken: those that were put after
		// ctx was done may tell of its consequences, which aren't published.
		if l.ctx.Err() != nil {
			l.stop(messages)
			return
		}
		l.apply(messages)
		l.advance()
		l.publish()
		l.reply()
	}
}

// stop ends all processes and waits for all effects. From here on messages
// only serve to reach those ends.
func (l *loop) stop(messages []message) {
	l.stopping = true
	l.stopProcesses()
	l.apply(messages)
	for l.pending > 0 {
		<-l.mailbox.filled
		l.apply(l.mailbox.take())
	}
	l.effects.Wait()
}

// end refuses the requests that came too late.
func (l *loop) end() {
	l.stopping = true
	l.apply(l.mailbox.close())
}

func (l *loop) stopProcesses() {
	for x := range l.executions {
		x.stop(l.grace)
	}
}

func (l *loop) apply(messages []message) {
	for _, m := range messages {
		m.apply(l)
	}
}

// advance starts everything that can be started.
func (l *loop) advance() {
	l.advanceTiltfile()
	for {
		l.starts = next(l.starts[:0], l.tasks, l.settings)
		if len(l.starts) == 0 {
			return
		}
		if l.unseen(l.starts) {
			l.publish()
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

// unseen is true when a job is to start that no snapshot has shown waiting.
func (l *loop) unseen(starts []start) bool {
	for _, s := range starts {
		if r := l.resources[s.resource]; !s.server && r.task.job && r.updateHold == HoldNone {
			return true
		}
	}
	return false
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

// inContext returns a context that ends with the run or when cancel, which it
// sets, is called.
func (l *loop) inContext(cancel *context.CancelFunc) (ctx context.Context) {
	ctx, *cancel = context.WithCancel(l.ctx)
	return ctx
}

func (l *loop) log(source string, level logs.Level, text string) {
	l.config.Logs.Append(source, level, text)
}

// effectEnded is the last message of an effect.
type effectEnded struct{}

func (effectEnded) apply(l *loop) { l.pending-- }

type failFastSet struct{ failFast bool }

func (m failFastSet) apply(l *loop) { l.settings.failFast = m.failFast }

// killed takes the grace away, from what is being stopped as well.
type killed struct{}

func (killed) apply(l *loop) {
	l.grace = 0
	for x := range l.executions {
		if x.stopped {
			x.stop(0)
		}
	}
}
