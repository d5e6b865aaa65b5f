// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"time"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

// evaluate begins an evaluation of the Tiltfile.
func (l *loop) evaluate(ctx context.Context) {
	began := l.config.Clock.Now()
	l.tiltfile.Pending = false
	l.tiltfile.Running = began
	l.settings.reloading = true
	l.log(model.TiltfileResource, logs.LevelInfo, "Loading Tiltfile at: "+l.config.Tiltfile)
	in := LoadInput{Path: l.config.Tiltfile, Args: l.config.Args}
	l.effect(func() {
		project, err := l.config.Load.Load(ctx, in)
		l.mailbox.put(evaluated{project, err, began, l.config.Clock.Now()})
	})
}

// evaluated is the end of an evaluation.
type evaluated struct {
	project       model.Project
	err           error
	start, finish time.Time
}

func (m evaluated) apply(_ context.Context, l *loop) {
	if l.stopping {
		return
	}
	end := &Exit{Start: m.start, Finish: m.finish}
	if m.err != nil {
		end.Error = m.err.Error()
		l.log(model.TiltfileResource, logs.LevelError, end.Error)
	} else {
		l.log(model.TiltfileResource, logs.LevelInfo,
			fmt.Sprintf("Successfully loaded Tiltfile (%s)", m.finish.Sub(m.start)))
		l.adopt(&m.project)
	}
	l.tiltfile.Running = time.Time{}
	l.tiltfile.Last = end
	l.tiltfile.Evaluations++
	l.tiltfile.CI = m.project.CI
	l.settings.reloading = false
	l.settings.tiltfileFailed = m.err != nil
}

// adopt makes a project the one that's run.
func (l *loop) adopt(project *model.Project) {
	l.settings.slots = max(1, project.MaxParallelUpdates)
	l.environ = newEnviron(l.config.Environ, project.Environ)
	l.resources, l.tasks = newResources(project)
}
