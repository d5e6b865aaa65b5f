// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

// companion is the state of a companion.
type companion struct {
	model.Companion
	// inputs are the environment variables of the button that was pressed last.
	inputs []string
	// gone is true once the project doesn't define the companion any more.
	gone bool
	// execution is the current execution, nil if there is none.
	execution *execution
	// started is when the last execution began. due is true if another one is to follow it.
	started time.Time
	due     bool
	// watch watches the files whose changes restart the companion.
	watch *watch
}

var _ owner = (*companion)(nil)

// runCompanions starts, restarts and stops companions as a project defines them.
// It doesn't restart an unchanged companion, even if that has ended.
func (l *loop) runCompanions(list []model.Companion) {
	wanted := make(map[string]bool, len(list))
	for _, spec := range list {
		wanted[spec.Name] = true
		c := l.companions[spec.Name]
		if c == nil {
			c = &companion{}
			l.companions[spec.Name] = c
		} else if reflect.DeepEqual(c.Companion, spec) {
			continue
		}
		c.Companion, c.inputs, c.gone = spec, nil, false
		switch {
		case !spec.OnDemand:
			l.restartCompanion(c)
		case c.execution != nil:
			c.due = false
			c.execution.stop(l.grace)
		}
		files := spec.RestartOn
		files.Since = c.started
		c.watch = l.watching(c.watch, files, spec.Source, func(list []model.Change) { c.changed(l, list) })
	}
	for name, c := range l.companions {
		if !wanted[name] {
			l.stopCompanion(c)
		}
	}
}

// restartCompanion starts a companion, after the end of its current execution if there is one.
func (l *loop) restartCompanion(c *companion) {
	if c.execution != nil {
		c.due = true
		c.execution.stop(l.grace)
		return
	}
	c.due = false
	c.started = l.config.Clock.Now()
	c.execution = &execution{owner: c, source: c.Source, subject: c.Command.Subject()}
	command, request := c.Command, l.updateRequest(c.Source)
	command.Env = slices.Concat(command.Env, c.inputs)
	request.Update = &command
	l.execute(c.execution, c.started, func() (Activity, error) { return l.config.Updates.StartUpdate(request) })
}

// ErrNoButton is returned by requests to press a button that the Tiltfile doesn't define.
var ErrNoButton = errors.New(model.TiltfileResource + " doesn't define the button")

// Press starts the companions of a button, again if they run, with inputs in their environments as "KEY=value"
// entries. It returns when the loop has accepted the request, or when ctx is done.
func (e *Engine) Press(ctx context.Context, button string, inputs []string) error {
	return e.ask(ctx, func(l *loop) error {
		if !slices.ContainsFunc(l.buttons, func(b model.Button) bool { return b.Name == button }) {
			return ErrNoButton
		}
		for _, c := range l.companions {
			if slices.Contains(c.Buttons, button) {
				c.inputs = inputs
				l.restartCompanion(c)
			}
		}
		return nil
	})
}

// changed restarts a companion after changes since its start.
func (c *companion) changed(l *loop, list []model.Change) {
	since := func(change model.Change) bool { return !change.Seen.Before(c.started) }
	if !c.due && !c.started.IsZero() && slices.ContainsFunc(list, since) {
		l.restartCompanion(c)
	}
}

// stopCompanion stops a companion that the project doesn't define. The loop keeps
// it until its execution has ended, because a new one of its name waits for that.
func (l *loop) stopCompanion(c *companion) {
	c.watch.stop()
	c.watch = nil
	c.due = false
	if c.execution == nil {
		delete(l.companions, c.Name)
		return
	}
	c.Companion, c.gone = model.Companion{Name: c.Name}, true
	c.execution.stop(l.grace)
}

func (c *companion) launched(*loop, *execution, time.Time) {}

func (c *companion) ended(l *loop, x *execution, m ended) {
	c.execution = nil
	switch {
	case c.due:
		l.restartCompanion(c)
		return
	case c.gone:
		delete(l.companions, c.Name)
		return
	case x.stopped:
	case m.err != nil:
		l.log(x.source, logs.LevelError, fmt.Sprintf("%s failed to start: %v", x.subject, m.err))
	case m.end.Error == "":
		l.log(x.source, logs.LevelInfo, x.subject+" has ended")
	default:
		l.log(x.source, logs.LevelError, fmt.Sprintf("%s failed: %s", x.subject, m.end.Error))
	}
}
