// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"errors"
	"fmt"
	"sync"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sys/unix"
	"k8s.io/utils/clock"
)

// ErrClosed is the error of Watch when the Watcher is closed.
var ErrClosed = errors.New("file watcher is closed")

// Watcher owns the system's facility to watch files, and the known state of the
// watched directories. Its methods are safe for concurrent use.
type Watcher struct {
	clock  clock.Clock
	system *fsnotify.Watcher
	// loops are the goroutines that receive from system. They end when it is closed.
	loops sync.WaitGroup
	// overflowed holds a value after events were lost.
	overflowed chan struct{}
	// done is closed by Close.
	done    chan struct{}
	closing sync.Once

	// mu is held while directories are read and added, but never during a wait.
	mu          sync.Mutex
	directories map[string]*directory
	// paths are the paths of the directories.
	paths map[fileID]string

	inboxesMu sync.Mutex
	// inboxes are those of all running watches.
	inboxes map[*inbox]struct{}
}

// New returns a Watcher that the caller must Close. The clock times the batches.
func New(clock clock.Clock) (*Watcher, error) {
	system, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("prepare to watch files: %w", explainInstance(err))
	}
	w := &Watcher{
		clock:       clock,
		system:      system,
		overflowed:  make(chan struct{}, 1),
		done:        make(chan struct{}),
		directories: map[string]*directory{},
		paths:       map[fileID]string{},
		inboxes:     map[*inbox]struct{}{},
	}
	w.loops.Go(w.takeEvents)
	w.loops.Go(w.takeErrors)
	return w, nil
}

// Close ends every running Watch with ErrClosed and releases the system's watches. It doesn't wait for Watch to return.
func (w *Watcher) Close() error {
	var err error
	w.closing.Do(func() {
		close(w.done)
		err = w.system.Close()
		w.loops.Wait()
	})
	return err
}

// takeEvents handles events in order, and compares everything after some were lost.
func (w *Watcher) takeEvents() {
	for {
		select {
		case event, ok := <-w.system.Events:
			if !ok {
				return
			}
			w.handle(event)
		case <-w.overflowed:
			w.compareAll()
		}
	}
}

// takeErrors has a goroutine of its own and never waits for mu: fsnotify may hold a lock while it reports an error,
// and adding a directory under mu needs that lock.
func (w *Watcher) takeErrors() {
	for err := range w.system.Errors {
		switch {
		case errors.Is(err, fsnotify.ErrEventOverflow):
			select {
			case w.overflowed <- struct{}{}:
			default:
			}
		case errors.Is(err, unix.EINVAL):
			// A directory was renamed and removed before its watch was.
		default:
			w.warnAll(explainWatch(err))
		}
	}
}

// warnAll passes an error to every watch, because it may concern any.
func (w *Watcher) warnAll(err error) {
	w.inboxesMu.Lock()
	defer w.inboxesMu.Unlock()
	for in := range w.inboxes {
		in.warn(err)
	}
}

// newInbox returns an inbox that receives errors until it is removed.
func (w *Watcher) newInbox() *inbox {
	in := &inbox{filled: make(chan struct{}, 1), notices: map[address]notice{}}
	w.inboxesMu.Lock()
	defer w.inboxesMu.Unlock()
	w.inboxes[in] = struct{}{}
	return in
}

func (w *Watcher) removeInbox(in *inbox) {
	w.inboxesMu.Lock()
	defer w.inboxesMu.Unlock()
	delete(w.inboxes, in)
}

// limitError is an error of the system with a text that names the limit, its value and the command that raises it.
// The system's own text misleads: Linux says "no space left on device" at the limit of inotify watches.
type limitError struct {
	text string
	err  error
}

func (e limitError) Error() string { return e.text }
func (e limitError) Unwrap() error { return e.err }
