// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"slices"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

// imageSpec is an image as the definition of a task.
func imageSpec(image *model.Image) model.Resource {
	return model.Resource{
		Name:          model.ImagePrefix + image.Name,
		Position:      image.Position,
		Update:        image.Build,
		Images:        image.Bases,
		Deps:          image.Deps,
		Ignores:       image.Ignores,
		AutoInit:      true,
		AllowParallel: true,
	}
}

// linkImages connects the images with the tasks that use them.
func (l *loop) linkImages() {
	for _, r := range l.resources {
		r.uses, r.users = nil, nil
	}
	for _, r := range l.resources {
		for _, name := range r.Images {
			if image := l.images[name]; image != nil {
				r.uses = append(r.uses, image)
				image.users = append(image.users, r)
			}
		}
	}
	for _, r := range l.resources {
		if r.image {
			r.resources = r.allUsers()
		}
	}
}

// allUsers are the names of the resources that use an image, also through other images.
func (r *resource) allUsers() []string {
	var names []string
	for _, user := range r.users {
		if user.image {
			names = append(names, user.allUsers()...)
		} else {
			names = append(names, user.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// settleImages determines which images are due, and which tasks wait for one. Images are in the order of their
// dependencies and follow the resources.
func (l *loop) settleImages() {
	l.settleLive()
	for _, image := range slices.Backward(l.resources) {
		if !image.image {
			break
		}
		l.demand(image)
	}
	for _, image := range l.resources[l.firstImage:] {
		l.block(image)
	}
	for _, r := range l.resources[:l.firstImage] {
		if len(r.uses) > 0 || len(r.LiveUpdates) > 0 {
			l.block(r)
		}
	}
}

// demand determines from its users whether an image is to be built, and when.
func (l *loop) demand(image *resource) {
	demanded, mode, disabled, early := false, model.TriggerManual, true, true
	for _, user := range image.users {
		disabled = disabled && user.disabled
		if !user.needsImages() {
			continue
		}
		demanded = true
		early = early && l.early(user)
		if user.TriggerMode == model.TriggerAuto {
			mode = model.TriggerAuto
		}
	}
	if disabled != image.disabled {
		image.disabled = disabled
		l.reset(image)
		if !disabled {
			l.watchFiles(image, l.config.Clock.Now())
		}
	}
	l.names = l.names[:0]
	if early {
		l.names = l.unmet(image, l.names)
	}
	if len(l.names) != image.task.unmet || !slices.Equal(l.names, image.lacks) {
		image.task.unmet, image.lacks = len(l.names), slices.Clone(l.names)
		l.touch(image)
	}
	if image.demanded == demanded && image.TriggerMode == mode {
		return
	}
	spec := *image.Resource
	spec.TriggerMode = mode
	image.demanded, image.Resource = demanded, &spec
	l.refresh(image)
}

// needsImages reports whether an update of the task goes on, is due or was one, so that its images are to be there.
func (r *resource) needsImages() bool {
	return !r.disabled && (r.task.wish.startable() || r.task.begun)
}

// early reports whether it's too early to build the images of a task for the first time: what they are made of may not
// be there yet.
func (l *loop) early(user *resource) bool {
	if user.image {
		return user.task.unmet > 0
	}
	return (!user.task.begun || user.task.awaits) && slices.ContainsFunc(user.BuildDeps, func(name string) bool {
		dep := l.byName[name]
		return dep != nil && !dep.met
	})
}

// block determines whether a task waits for an image or for containers. A task whose image has failed fails too; after
// that, its containers still get the files that they lack.
func (l *loop) block(r *resource) {
	waits := l.names[:0]
	for _, image := range r.uses {
		t := image.task
		if t.wish.startable() || t.update != updateSucceeded && t.update != updateFailed || t.blocked != HoldNone {
			if waits = append(waits, image.Name); len(waits) == maxOn {
				break
			}
		}
	}
	l.names = waits
	blocked := HoldNone
	switch {
	case len(waits) > 0:
		blocked = HoldBuildingImage
	case r.onlyLive():
		blocked = r.liveHold()
	}
	if blocked != r.task.blocked {
		r.task.blocked = blocked
		l.touch(r)
	}
	l.showWaits(r, waits)
	for _, image := range r.uses {
		if image.task.update == updateFailed && len(waits) == 0 && r.task.wish.startable() &&
			r.task.update != updateRunning && !r.task.oldJob && !(r.onlyLive() && r.task.update == updateFailed) {
			l.failFor(r, image)
			break
		}
	}
	for _, image := range r.uses {
		if image.task.wish == wishPending && r.task.begun && r.wants.rebuilt.IsZero() {
			// The image is built on request, and so the task has to be asked.
			r.wants.rebuilt = l.config.Clock.Now()
			l.refresh(r)
		}
	}
}

// showWaits publishes which images a task waits for, and logs the first of them.
func (l *loop) showWaits(r *resource, waits []string) {
	if !r.task.wish.startable() && !r.task.begun {
		waits = nil
	}
	if slices.Equal(waits, r.waitsFor) {
		return
	}
	if len(waits) > 0 && r.task.wish.startable() && (len(r.waitsFor) == 0 || r.waitsFor[0] != waits[0]) {
		l.log(r.Name, logs.LevelInfo, "Waiting for "+waits[0])
	}
	r.waitsFor = slices.Clone(waits)
	l.touch(r)
}

// failFor ends the requested update of a task whose image has failed, with that as the cause.
func (l *loop) failFor(r *resource, image *resource) {
	l.publishPhase(r)
	now := l.config.Clock.Now()
	cause := fmt.Sprintf("%s failed: %s wasn't built", r.Update.Subject(), image.Name)
	build := l.newBuild(r, now)
	paths := r.changes.begin(now, true)
	build.Reason = r.wants.buildReason(len(paths) > 0)
	build.changedBy(append(paths, r.redefiners...))
	r.changes.end(now)
	r.queued = build.Queued
	r.wants, r.redefiners = wants{}, nil
	r.task.awaits = r.task.awaits || !r.task.begun
	r.task.begun = true
	r.task.update = updateFailed
	r.lastUpdate = &Exit{Start: now, Finish: now, Error: l.redacted(cause)}
	l.log(r.Name, logs.LevelError, cause)
	l.failBuild(r, build, r.lastUpdate)
	l.release(r)
	l.changePhase(r)
	l.refresh(r)
}

// wantImages requests another build of those images of a triggered task that have failed or have changed, also by live
// updates, and of those whose bases have. It reports whether there are any, or any is being built.
func (l *loop) wantImages(r *resource) (wanted bool) {
	for _, image := range r.uses {
		t := image.task
		switch {
		case l.wantImages(image) || t.update == updateFailed || t.wish == wishPending || len(image.patched) > 0:
			l.want(image)
			wanted = true
		case t.wish.startable() || t.update == updateRunning:
			wanted = true
		}
	}
	return wanted
}

// built records the output of an image's build. Another output than before is a reason for an update of its users. So
// is any output for users that have failed: what they were to do when the image was missing isn't done.
func (l *loop) built(image *resource, output any) {
	before, rebuilt := image.output.(model.BuiltImage)
	image.output = output
	after, ok := output.(model.BuiltImage)
	same := ok && rebuilt && before.Ref == after.Ref && before.ClusterRef == after.ClusterRef
	// Containers of the same image may have other files from live updates, which a deploy finds out.
	image.tainted = image.tainted || len(image.patched) > 0
	same = same && !image.tainted
	for _, user := range image.users {
		user.tainted = user.image && (user.tainted || image.tainted)
		if user.disabled || !user.task.begun || same && user.task.update != updateFailed {
			continue
		}
		user.wants.rebuilt = earliest(user.wants.rebuilt, l.config.Clock.Now())
		l.publishPhase(user)
		l.refresh(user)
	}
	image.tainted = false
	l.endSource(image)
}

// inputs are the outputs of the images that a task uses.
func (r *resource) inputs() map[string]model.BuiltImage {
	if len(r.uses) == 0 {
		return nil
	}
	inputs := make(map[string]model.BuiltImage, len(r.uses))
	for _, image := range r.uses {
		if built, ok := image.output.(model.BuiltImage); ok {
			inputs[image.imageName()] = built
		}
	}
	return inputs
}
