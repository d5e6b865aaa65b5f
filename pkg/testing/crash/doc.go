// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package crash kills a process that stores objects, again and again, and checks what each restart finds.
//
// Several writers create, update and delete objects, each its own, and record what was acknowledged. A watch runs
// meanwhile. At a random moment the process is killed, during writes or while it starts, and started again. Then
//
//   - every object is as its last acknowledged write left it. A write in progress
//     is there completely, or not at all;
//   - versions have only grown, and none is used twice;
//   - the watch continues from the last version that it saw, and sees each write
//     that took effect once, in order, and nothing else.
//
// # Non-goals
//
// Crashes of the machine: data survives a power failure only if it was synced. Commits that fail: package mvcctest
// compares them with a model, and whatever the file holds when it is opened again is what the store continues with.
package crash

import (
	"context"
	"time"
)

// Subject is what starts the processes that are killed. Each finds what the one before it has left.
type Subject interface {
	// Start starts a process, and returns without waiting for it to serve.
	Start() (Process, error)
}

// Process is a server of objects as its clients see it, which don't ask before it is ready. Contents are of any
// length, and names are valid ones of objects. All methods can be called at any time by any goroutine.
type Process interface {
	// Ready returns when the process serves, or can't.
	Ready(ctx context.Context) error
	// Create returns the version of a new object.
	Create(ctx context.Context, name, content string) (int64, error)
	// Update returns the new version of an object that has an old one.
	Update(ctx context.Context, name, content string, version int64) (int64, error)
	// Delete deletes an object that has a version.
	Delete(ctx context.Context, name string, version int64) error
	// List returns all objects by name, and the version of the whole.
	List(ctx context.Context) (map[string]Object, int64, error)
	// Watch calls seen with what happened after a version, in order, until ctx is done or the process is dead. It
	// returns an error if it ended because the version is forgotten, or seen returned one.
	Watch(ctx context.Context, version int64, seen func(Event) error) error
	// Kill kills the process, in whatever state it is, and returns when it is gone. Killing it again does nothing.
	Kill() error
}

// Object is what an object is at a version.
type Object struct {
	Content string
	Version int64
}

// Event is a change of an object as a watch sees it. Of one that was deleted
// the content is what it was, and the version the deletion's.
type Event struct {
	Object
	Name    string
	Deleted bool
}

// Options say how hard to try.
type Options struct {
	// Kills is how often the process is killed.
	Kills int
	// Seed decides everything but the timing.
	Seed uint64
	// Writers is how many write at a time, of Objects each.
	Writers, Objects int
	// Size bounds the length of contents, in bytes.
	Size int
	// Life bounds how long a process lives after it is ready.
	Life time.Duration
	// Between, if set, is called when there is no process.
	Between func() error
	// Log tells how it goes.
	Log func(format string, arguments ...any)
}

// Summary is what a run has seen.
type Summary struct {
	// Kills were made, Early of them before the process was ready.
	Kills, Early int
	// Acknowledged writes were all found again. Of those that were under way,
	// Found had taken effect and Lost had not.
	Acknowledged, Found, Lost int
	// Watched events are the writes that took effect.
	Watched int
	// Version is the last one.
	Version int64
	// SlowestStart is the longest time until a process was ready.
	SlowestStart time.Duration
}
