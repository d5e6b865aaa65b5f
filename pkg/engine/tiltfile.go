// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

// tiltfile is the state of the evaluations of the Tiltfile.
type tiltfile struct {
	TiltfileState
	// triggered, other and argued are reasons for the next evaluation: a trigger, another Tiltfile, other arguments.
	triggered, other, argued bool
	// changes are the changes of its files, which watch reports.
	changes changes
	watch   *watch
	// adopted is the input of the current project.
	adopted LoadInput
}

// base is the directory to which file names in the log are relative.
func (l *loop) base() string { return filepath.Dir(l.tiltfile.Path) }

// wantEvaluation requests an evaluation, which begins after the current one. Until its end nothing new starts.
func (l *loop) wantEvaluation() {
	if t := &l.tiltfile; !t.Pending {
		t.Pending, t.Queued = true, l.config.Clock.Now()
	}
	l.settings.reloading = true
}

// advanceTiltfile begins the requested evaluation if none is running.
func (l *loop) advanceTiltfile() {
	if t := &l.tiltfile; t.Pending && t.Running.IsZero() {
		l.publish()
		l.evaluate()
	}
}

// evaluate begins an evaluation of the Tiltfile.
func (l *loop) evaluate() {
	t := &l.tiltfile
	began := l.config.Clock.Now()
	build := Build{Queued: t.Queued, Allowed: t.Queued, Start: began, FirstLine: l.config.Logs.Next()}
	paths := t.changes.begin(began, t.Last == nil || t.triggered || t.other || t.argued)
	build.Reason = t.reason(paths)
	build.changedBy(paths)
	l.log(model.TiltfileResource, logs.LevelInfo, t.header(paths, l.base())+"Loading Tiltfile at: "+t.Path)
	if t.Queued.IsZero() {
		build.Queued, build.Allowed = began, began
	}
	t.History = t.History.begun(build)
	t.Pending, t.Queued, t.Running = false, time.Time{}, began
	t.triggered, t.other, t.argued = false, false, false
	l.settings.reloading = true
	in := LoadInput{Path: t.Path, Args: t.Args}
	l.effect(func() {
		project, err := l.config.Load.Load(l.ctx, in)
		l.mailbox.put(evaluated{in, paths, project, err, l.config.Clock.Now()})
	})
}

// header is the log text before an evaluation: why it begins.
func (t *tiltfile) header(paths []string, base string) string {
	w := wants{initial: t.Last == nil}
	if t.triggered {
		w.trigger = 1
	}
	text := buildHeader(w, paths, base)
	if t.argued && len(paths) == 0 && !w.initial {
		text = header("Tilt Args")
	}
	if t.argued {
		text += fmt.Sprintf("Tiltfile args changed to: %v\n", t.Args)
	}
	return text
}

// reason is why an evaluation begins.
func (t *tiltfile) reason(paths []string) BuildReason {
	switch {
	case t.Last == nil:
		return BuildInitial
	case t.triggered:
		return BuildTrigger
	case len(paths) > 0:
		return BuildFiles
	case t.argued:
		return BuildArgs
	}
	return BuildConfig
}

// evaluated reports the end of an evaluation.
type evaluated struct {
	in LoadInput
	// paths are the changed files that caused it.
	paths   []string
	project model.Project
	err     error
	finish  time.Time
}

func (m evaluated) apply(l *loop) {
	if l.stopping {
		return
	}
	t := &l.tiltfile
	end := &Exit{Start: t.Running, Finish: m.finish}
	if m.err != nil {
		end.Error = l.redacted(m.err.Error())
		l.log(model.TiltfileResource, logs.LevelError, end.Error)
	} else {
		l.log(model.TiltfileResource, logs.LevelInfo,
			fmt.Sprintf("Successfully loaded Tiltfile (%s)", end.Finish.Sub(end.Start)))
		l.adopt(&m)
		// This snapshot shows new resources waiting for the end of the evaluation.
		l.publish()
	}
	t.Running = time.Time{}
	t.Last = end
	t.History = t.History.ended(end, l.config.Logs.Next())
	t.Evaluations++
	t.CI = m.project.CI
	l.settings.reloading = t.Pending
	l.settings.tiltfileFailed = m.err != nil
	t.changes.end(m.finish)
	l.considerTiltfileChanges()
	l.watchTiltfile(m.project.Inputs, m.project.Ignores)
}

// watchTiltfile watches the Tiltfile and the other inputs of its evaluation.
func (l *loop) watchTiltfile(inputs []string, ignores []model.IgnoreSet) {
	t := &l.tiltfile
	paths := append(slices.Clone(inputs), t.Path)
	slices.Sort(paths)
	files := model.Watch{Paths: slices.Compact(paths), Ignores: ignores, Since: t.changes.start}
	t.watch = l.watching(t.watch, files, model.TiltfileResource, func(list []model.Change) {
		t.changes.add(list)
		if !t.changes.running() {
			l.considerTiltfileChanges()
		}
	})
}

// considerTiltfileChanges decides whether the noted changes lead to another evaluation.
func (l *loop) considerTiltfileChanges() {
	t := &l.tiltfile
	if found := t.changes.dropOwn(); found != nil {
		l.log(model.TiltfileResource, logs.LevelWarn, ownFiles(found, l.base())+
			"To have it evaluated again all the same: tilt-session trigger '"+model.TiltfileResource+"'")
	}
	if !t.changes.since().IsZero() {
		l.wantEvaluation()
	}
}

// setArgs replaces the arguments and reports whether they differ.
func (l *loop) setArgs(args []string) bool {
	t := &l.tiltfile
	if slices.Equal(args, t.Args) {
		return false
	}
	t.Args = slices.Clone(args)
	t.argued = true
	l.wantEvaluation()
	return true
}

// setTiltfile replaces the path of the Tiltfile.
func (l *loop) setTiltfile(path string) {
	t := &l.tiltfile
	if path == t.Path {
		return
	}
	t.Path = path
	t.other = true
	l.watchTiltfile(nil, nil)
	l.wantEvaluation()
}

func (s *TiltfileState) equal(other *TiltfileState) bool {
	return s.Path == other.Path && s.Pending == other.Pending &&
		s.Running.Equal(other.Running) && s.Last == other.Last &&
		s.History == other.History && s.Queued.Equal(other.Queued) &&
		s.Evaluations == other.Evaluations && s.CI == other.CI && slices.Equal(s.Args, other.Args)
}
