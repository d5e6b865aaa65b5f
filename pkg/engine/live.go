// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"maps"
	"slices"
	"time"

	"tilt.dev/session/pkg/model"
)

// live is what a task knows of live updates. A task whose files change is a source; the resource whose containers get
// the files is its taker. The zero value is for a task that has taken part in none.
type live struct {
	// patched are the files that live updates have taken from the source since its last build began, with the numbers of
	// their last changes. floor is the last number before the build that goes on.
	patched map[string]uint64
	floor   uint64
	// whole is true if only a build of the source can bring its changes.
	whole bool
	// tainted is true if containers may have other files of the image or its bases than the builds tell: from live updates
	// since their last build, or after one that has failed.
	tainted bool

	// deployed is true if the last deploy of the taker succeeded.
	deployed bool
	// containers are how the containers of each live update are, nil before the first report.
	containers []LiveState
	// taken are the files that the taker's next live update brings, for its header.
	taken []string
}

// settleLive hands changes that live updates cover to them, and finds out which containers lack files.
func (l *loop) settleLive() {
	for _, source := range l.resources {
		if len(source.takers) > 0 {
			l.take(source)
		}
	}
	for _, r := range l.resources[:l.firstImage] {
		if len(r.LiveUpdates) > 0 && r.deployed && !r.disabled {
			l.settleTaker(r)
		}
	}
}

// take hands the changes of a source to its takers, if they can bring them. Otherwise they lead to a build.
func (l *loop) take(source *resource) {
	others := source.wants
	others.changed, others.live = time.Time{}, time.Time{}
	if wish, _ := others.wish(source.TriggerMode); wish != wishNone || source.wants.changed.IsZero() ||
		source.disabled || source.whole || source.changes.running() || !source.current() {
		return
	}
	paths := slices.Sorted(maps.Keys(source.changes.noted))
	var takers []*resource
	for _, t := range source.takers {
		if t.disabled || !t.task.begun {
			continue
		}
		if refused, why := l.refuses(t, paths); refused {
			l.tellLive(t.resource, why)
			source.whole = true
			return
		}
		takers = append(takers, t.resource)
	}
	if len(takers) == 0 {
		return
	}
	l.changeNumber++
	if source.patched == nil {
		source.patched = map[string]uint64{}
	}
	for _, path := range paths {
		source.patched[path] = l.changeNumber
	}
	source.changes.hand()
	l.refresh(source)
	for _, r := range takers {
		r.taken = append(r.taken, paths...)
		l.wantLive(r)
	}
}

// current reports whether what runs has all changes of a source that aren't noted or patched.
func (r *resource) current() bool {
	if r.image {
		return r.task.update == updateSucceeded
	}
	return r.deployed
}

// updateStopped begins the reason of a change that the steps don't cover.
const updateStopped = "UpdateStopped: "

// refuses reports whether a live update can't bring a change of files, and why, as far as a person has to know.
func (l *loop) refuses(t taker, paths []string) (refused bool, why string) {
	if stop := t.update().Refusal(paths); stop != "" {
		return true, updateStopped + stop
	}
	if !t.deployed {
		// The next deploy is followed by a live update.
		return t.task.update != updateRunning && !t.task.wish.startable(), ""
	}
	return t.fails()
}

// fails reports whether the containers of a live update take no files, now or soon.
func (t taker) fails() (fails bool, why string) {
	switch state := t.state(); {
	case !t.patchable():
		return true, ""
	case state.Phase == LiveFailed:
		return true, state.Reason + ": " + state.Message
	case state.Phase == LiveAbsent && t.running.Phase == Ready:
		return true, "NoContainer: no container of the resource runs the image"
	case state.Phase != LiveReady && t.running.Phase == Failed:
		return true, ""
	}
	return false, ""
}

// state is how the containers of a live update are.
func (t taker) state() LiveState {
	if t.index < len(t.containers) {
		return t.containers[t.index]
	}
	return LiveState{}
}

// patchable reports whether the runtime takes files at all.
func (r *resource) patchable() bool {
	if r.task.serve != serveRunning || r.serving.stopped {
		return false
	}
	_, ok := r.serving.activity.(LiveUpdater)
	return ok
}

// settleTaker has a resource be updated if any of its containers lacks files, and sees to it that this is possible.
func (l *loop) settleTaker(r *resource) {
	if (r.wants.live.IsZero() || !r.wants.resync) && r.task.update != updateRunning &&
		slices.ContainsFunc(r.containers, func(s LiveState) bool { return s.Lacking }) {
		r.wants.resync = true
		l.wantLive(r)
	}
	if !r.onlyLive() || !r.task.wish.startable() || !r.hasImages() {
		return
	}
	for i := range r.LiveUpdates {
		t := taker{r, i}
		if fails, why := t.fails(); fails && (t.state().Lacking || l.patchedFor(t)) {
			l.rebuild(r, why)
			return
		}
	}
}

// hasImages reports whether the last builds of a resource's images have succeeded, and no others are due.
func (r *resource) hasImages() bool {
	return !slices.ContainsFunc(r.uses, func(image *resource) bool {
		return image.task.update != updateSucceeded || image.task.wish.startable()
	})
}

// patchedFor reports whether there are files for a live update since the last build.
func (l *loop) patchedFor(t taker) bool {
	return slices.ContainsFunc(l.sources(t.resource, t.update()), func(s *resource) bool { return len(s.patched) > 0 })
}

// wantLive requests a live update of a resource.
func (l *loop) wantLive(r *resource) {
	r.wants.live = earliest(r.wants.live, l.config.Clock.Now())
	l.publishPhase(r)
	l.refresh(r)
}

// onlyLive reports whether a live update is all that a resource needs.
func (r *resource) onlyLive() bool {
	w := r.wants
	return !w.live.IsZero() && !w.initial && !w.retry &&
		w.redefined.IsZero() && w.rebuilt.IsZero() && w.changed.IsZero() &&
		(w.trigger == 0 || r.TriggerMode == model.TriggerManual) && r.deployed
}

// liveHold is why a live update has to wait for containers, HoldNone if any of them runs.
func (r *resource) liveHold() Hold {
	for i := range r.LiveUpdates {
		if state := (taker{r, i}).state(); state.Phase == LiveReady {
			return HoldNone
		}
	}
	if r.running == nil || r.running.LastReady.IsZero() {
		return HoldWaitingForDeploy
	}
	return HoldReconciling
}

// rebuild has the sources of a resource be built because a live update can't be done.
func (l *loop) rebuild(r *resource, why string) {
	l.tellLive(r, why)
	r.wants.live, r.taken = time.Time{}, nil
	now := l.config.Clock.Now()
	for i := range r.LiveUpdates {
		for _, source := range l.sources(r, &r.LiveUpdates[i]) {
			if len(source.patched) == 0 {
				continue
			}
			for path := range source.patched {
				source.changes.add([]model.Change{{Path: path, Seen: now, Modified: now.Add(1)}})
			}
			source.whole = true
			l.demandNow(source)
			if source != r {
				r.wants.rebuilt = earliest(r.wants.rebuilt, now)
				l.demandNow(r)
			}
		}
	}
	if wish, _ := r.wants.wish(r.TriggerMode); wish == wishNone && r.wants.changed.IsZero() {
		// There is nothing to build: the containers lack files that the last build has.
		l.failLive(r, why)
	}
	l.refresh(r)
}

// demandNow has a task be updated also if its changes wait for a trigger.
func (l *loop) demandNow(r *resource) {
	if r.TriggerMode == model.TriggerManual {
		l.want(r)
	} else {
		l.refresh(r)
	}
}
