// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
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
		if spec.OnDemand {
			continue
		}
		wanted[spec.Name] = true
		c := l.companions[spec.Name]
		if c == nil {
			c = &companion{}
			l.companions[spec.Name] = c
		} else if reflect.DeepEqual(c.Companion, spec) {
			continue
		}
		c.Companion = spec
		l.restartCompanion(c)
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
	request.Update = &command
	l.execute(c.execution, c.started, func() (Activity, error) { return l.config.Updates.StartUpdate(request) })
}

// changed restarts a companion after changes since its start.
func (c *companion) changed(l *loop, list []model.Change) {
	since := func(change model.Change) bool { return !change.Seen.Before(c.started) }
	if !c.due && slices.ContainsFunc(list, since) {
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
	c.Companion = model.Companion{Name: c.Name, OnDemand: true}
	c.execution.stop(l.grace)
}

func (c *companion) launched(*loop, *execution, time.Time) {}

func (c *companion) ended(l *loop, x *execution, m ended) {
	c.execution = nil
	switch {
	case c.due:
		l.restartCompanion(c)
		return
	case c.OnDemand:
		delete(l.companions, c.Name)
		return
	case m.err != nil:
		l.log(x.source, logs.LevelError, fmt.Sprintf("%s failed to start: %v", x.subject, m.err))
	case m.end.Error == "":
		l.log(x.source, logs.LevelInfo, x.subject+" has ended")
	default:
		l.log(x.source, logs.LevelError, fmt.Sprintf("%s failed: %s", x.subject, m.end.Error))
	}
}
