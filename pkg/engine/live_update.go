// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

// beginLive starts a live update, which is an update of the resource that leaves its deploy as it is.
func (l *loop) beginLive(r *resource) {
	now := l.config.Clock.Now()
	text := "Container Started"
	if len(r.taken) > 0 {
		text = filesHeader(r.taken, l.base())
	}
	build := l.newBuild(r, now)
	build.Live, build.Reason = true, r.wants.buildReason(true)
	build.changedBy(r.taken)
	r.wants, r.redefiners, r.taken = wants{}, nil, nil
	r.retry.stop()
	l.refresh(r)
	l.changePhase(r)
	l.log(r.Name, logs.LevelInfo, strings.TrimSuffix(header(text), "\n"))
	x := &execution{
		owner: liveOf{r, r.task.update}, source: r.Name, target: r.updateTarget(),
		subject: fmt.Sprintf("Live update of %q", r.Name), slot: !r.task.light, serial: r.task.serial, timeout: r.Timeout,
	}
	r.task.update = updateRunning
	r.updating = x
	r.history = r.history.begun(build)
	request := LiveUpdateRequest{Task: r.Name, Log: NewLog(l.config.Logs, r.Name)}
	for i := range r.LiveUpdates {
		request.Files = append(request.Files, l.filesFor(taker{r, i}))
	}
	runtime, _ := r.serving.activity.(LiveUpdater)
	l.execute(x, now, func() (Activity, error) { return runtime.StartLiveUpdate(request) })
}

// filesFor are the files that the containers of a live update must have got since the last build, the latest last.
func (l *loop) filesFor(t taker) []ChangedFile {
	var files []ChangedFile
	for _, source := range l.sources(t.resource, t.update()) {
		for path, change := range source.patched {
			files = append(files, ChangedFile{path, change})
		}
	}
	slices.SortFunc(files, func(a, b ChangedFile) int {
		return cmp.Or(cmp.Compare(a.Change, b.Change), cmp.Compare(a.Path, b.Path))
	})
	return files
}

// liveOf is the owner of a live update's execution. before is the phase of the update that it follows.
type liveOf struct {
	*resource
	before updatePhase
}

var _ owner = liveOf{}

func (o liveOf) launched(*loop, *execution, time.Time) {}

// ended records the result of the live update.
func (o liveOf) ended(l *loop, x *execution, m ended) {
	r := o.resource
	l.publishPhase(r)
	exit := l.updateExit(x, m)
	r.updating = nil
	r.task.update = updateSucceeded
	l.changePhase(r)
	again := func() {}
	broken := slices.ContainsFunc(r.uses, func(i *resource) bool { return i.task.update == updateFailed })
	switch {
	case o.before == updateFailed && broken:
		// The containers have what they can have, and that isn't all.
		r.task.update = updateFailed
	case x.stopped && !x.timedOut: // A build has begun that has the files.
		r.task.update = o.before
		r.wants.resync = true
		l.log(r.Name, logs.LevelInfo, "Live update canceled")
		exit.Error = Canceled
		again = func() { l.wantLive(r) }
	case m.err == nil && m.end.Rebuild != "":
		exit.Error = m.end.Rebuild
		again = func() { l.rebuild(r, m.end.Rebuild) }
	case exit.Error == "":
		r.lastUpdate = exit
	default:
		r.lastUpdate = exit
		l.log(r.Name, logs.LevelError, "Build Failed: "+exit.Error)
		r.task.update = updateFailed
		l.release(r)
	}
	l.endBuild(r, exit)
	again()
	l.considerChanges(r)
}

// beginSource prepares for a build of a source: what live updates have brought until now is in it.
func (l *loop) beginSource(source *resource) {
	source.floor = l.changeNumber
	for _, t := range source.takers {
		if x := t.updating; x != nil {
			if _, ok := x.owner.(liveOf); ok && t.resource != source {
				x.stop(l.grace)
			}
		}
	}
}

// endSource drops what a build of a source has brought.
func (l *loop) endSource(source *resource) {
	source.whole = false
	for path, change := range source.patched {
		if change <= source.floor {
			delete(source.patched, path)
		}
	}
}

// deployedWell records that a deploy has succeeded. Files that have changed since the builds of its images follow.
func (l *loop) deployedWell(r *resource) {
	r.deployed = true
	if len(r.LiveUpdates) == 0 {
		return
	}
	l.endSource(r)
	for i := range r.LiveUpdates {
		if l.patchedFor(taker{r, i}) {
			r.wants.resync = true
			l.wantLive(r)
			return
		}
	}
}

// failLive ends the update of a resource with an error.
func (l *loop) failLive(r *resource, why string) {
	now := l.config.Clock.Now()
	l.publishPhase(r)
	cause := fmt.Sprintf("Live update of %q failed: %s", r.Name, why)
	r.task.update = updateFailed
	r.lastUpdate = &Exit{Start: now, Finish: now, Error: l.redacted(cause)}
	build := l.newBuild(r, now)
	build.Live, build.Reason = true, r.wants.buildReason(true)
	l.log(r.Name, logs.LevelError, "Build Failed: "+cause)
	l.failBuild(r, build, r.lastUpdate)
	l.changePhase(r)
	l.release(r)
}

// tellLive logs why a change leads to a build.
func (l *loop) tellLive(r *resource, why string) {
	level := logs.LevelWarn
	if strings.HasPrefix(why, updateStopped) {
		level = logs.LevelInfo // That is what the Tiltfile says.
	}
	if why != "" {
		l.log(r.Name, level, fmt.Sprintf("LiveUpdate %q %s", r.Name, why))
	}
}

// liveReported is how the containers of a runtime's live updates are.
type liveReported struct {
	resource *resource
	request  int
	states   []LiveState
}

func (m liveReported) apply(l *loop) {
	r := m.resource
	if r.request != m.request || l.stopping || r.task.serve != serveRunning && r.task.serve != serveLaunching {
		return
	}
	r.containers = slices.Clone(m.states)
	l.touch(r)
}

// imageName is the name of an image without its prefix.
func (r *resource) imageName() string { return r.Name[len(model.ImagePrefix):] }
