// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"slices"
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
	// ctx is the context of Run. Everything that the loop starts ends with it.
	ctx context.Context

	tiltfile tiltfile
	settings settings
	// environ is the environment of commands, without their own variables. It is never changed in place.
	environ []string
	// ignores apply to all watches.
	ignores []model.IgnoreSet
	// tasks and resources hold the same tasks at the same indexes. byName holds the resources among them.
	tasks     []task
	resources []*resource
	byName    map[string]*resource
	// images are the images by their names, which are also the last of tasks and resources: bases first.
	images     map[string]*resource
	firstImage int
	companions map[string]*companion
	buttons    []model.Button
	// triggers counts the triggers of resources.
	triggers uint64
	// changeNumber is the number of the last change that a live update has taken.
	changeNumber uint64

	// executions are those whose process may exist, abandoned the abandoned ones of them by target.
	executions map[*execution]struct{}
	abandoned  map[string]*execution
	// stopping is true once the run is ending.
	stopping bool
	grace    time.Duration

	// pending counts the effects that haven't reported their end. effects waits for their goroutines.
	pending int
	effects sync.WaitGroup

	// shown are the states of all tasks in the last snapshot.
	shown []ResourceState
	// touched are the resources that may differ from the last snapshot. reordered is
	// true if their order differs. conditions are those of the last snapshot's holds.
	touched    []*resource
	reordered  bool
	conditions conditions
	// handled are the requests in the current batch of messages, which reply answers.
	handled []*request
	// starts and names are reused by the next decision.
	starts []start
	names  []string
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
		abandoned:  map[string]*execution{},
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
		// The check follows take: messages that were put after ctx was done may be its
		// consequences, which aren't published.
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

// stop stops all activities and waits for all effects. It applies messages only as far as they concern the end.
func (l *loop) stop(messages []message) {
	l.stopping = true
	l.stopActivities()
	l.apply(messages)
	for l.pending > 0 {
		<-l.mailbox.filled
		l.apply(l.mailbox.take())
	}
	l.effects.Wait()
}

// end refuses the remaining requests.
func (l *loop) end() {
	l.stopping = true
	l.apply(l.mailbox.close())
}

func (l *loop) stopActivities() {
	for x := range l.executions {
		x.stop(l.grace)
	}
}

func (l *loop) apply(messages []message) {
	for _, m := range messages {
		m.apply(l)
	}
}

// advance starts everything that can start.
func (l *loop) advance() {
	l.advanceTiltfile()
	for {
		l.settleImages()
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
				l.launchRuntime(r)
			} else {
				l.beginUpdate(r)
			}
		}
	}
}

// unseen reports whether a job is to start that no snapshot has shown waiting.
func (l *loop) unseen(starts []start) bool {
	return slices.ContainsFunc(starts, func(s start) bool {
		r := l.resources[s.resource]
		return !s.server && r.task.job && r.updateHold == HoldNone
	})
}

// effect runs f in a goroutine that Run waits for. f accesses no state and reports by messages. It must return soon
// after ctx is done or, if it follows a process, after that has ended.
func (l *loop) effect(f func()) {
	l.pending++
	l.effects.Go(func() {
		defer l.mailbox.put(effectEnded{})
		f()
	})
}

// inContext returns a context that ends with the run, and sets cancel to its cancel function.
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

// killed sets the grace to zero, also for executions that are being stopped.
type killed struct{}

func (killed) apply(l *loop) {
	l.grace = 0
	for x := range l.executions {
		if x.stopped {
			x.stop(0)
		}
	}
}
