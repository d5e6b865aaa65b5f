// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package crash kills a process that stores objects, again and again, and checks what each restart finds.
//
// Several writers create, update and delete objects, each its own, and record the acknowledged writes. A watch runs
// meanwhile. At a random moment the process is killed, during writes or while it starts, and started again. Then
//
//   - every object is as its last acknowledged write made it. A write in progress
//     took effect completely, or not at all;
//   - versions have only grown, and none is used twice;
//   - the watch continues from its last version, and sends each write that took
//     effect once, in order, and nothing else.
//
// # Non-goals
//
// Crashes of the machine: data survives a power failure only if it was synced. Commits that fail: package mvcctest
// compares them with a model.
package crash

import (
	"context"
	"time"
)

// Subject starts the processes that are killed. Each continues with the data of the one before.
type Subject interface {
	// Start starts a process, and returns without waiting for it to serve.
	Start() (Process, error)
}

// Process is a client of a server of objects. Contents have any length, and names are valid names of objects. All
// methods are safe for concurrent use.
type Process interface {
	// Ready returns when the process serves, or with an error if it cannot.
	Ready(ctx context.Context) error
	// Create returns the version of a new object.
	Create(ctx context.Context, name, content string) (int64, error)
	// Update returns the new version of an object that has an old one.
	Update(ctx context.Context, name, content string, version int64) (int64, error)
	// Delete deletes an object that has a version.
	Delete(ctx context.Context, name string, version int64) error
	// List returns all objects by name, and the version of the whole.
	List(ctx context.Context) (map[string]Object, int64, error)
	// Watch calls seen with the changes after a version, in order, until ctx is done or the process is dead. It
	// returns an error if it ended because the version is compacted, or seen returned one.
	Watch(ctx context.Context, version int64, seen func(Event) error) error
	// Kill kills the process, in whatever state it is, and returns when it is gone. Killing it again does nothing.
	Kill() error
}

// Object is an object at a version.
type Object struct {
	Content string
	Version int64
}

// Event is a change of an object. The event of a deletion has the last content, and the version of the deletion.
type Event struct {
	Object
	Name    string
	Deleted bool
}

// Options configure a run.
type Options struct {
	// Kills is the number of processes that are killed.
	Kills int
	// Seed decides everything but the timing.
	Seed uint64
	// Writers is the number of concurrent writers, each with Objects objects.
	Writers, Objects int
	// Size bounds the length of contents, in bytes.
	Size int
	// Life bounds the time from the readiness of a process to its end.
	Life time.Duration
	// Between, if set, is called between two processes.
	Between func() error
	// Log, if set, logs progress.
	Log func(format string, arguments ...any)
}

// Summary describes a run.
type Summary struct {
	// Kills counts the killed processes, Early those that were not ready yet.
	Kills, Early int
	// Acknowledged counts the acknowledged writes. Of the writes in progress
	// Found took effect and Lost did not.
	Acknowledged, Found, Lost int
	// Watched counts the events.
	Watched int
	// Version is the last one.
	Version int64
	// SlowestStart is the longest time until a process was ready.
	SlowestStart time.Duration
}
