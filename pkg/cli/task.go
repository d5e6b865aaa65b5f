// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import "context"

// task is a goroutine with an owner, who must stop it.
type task struct {
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

// start runs work with a context that ends when ctx does or stop is called.
func start(ctx context.Context, work func(context.Context) error) *task {
	ctx, cancel := context.WithCancel(ctx)
	t := &task{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(t.done)
		t.err = work(ctx)
	}()
	return t
}

// wait waits for the work and returns its error.
func (t *task) wait() error {
	<-t.done
	t.cancel()
	return t.err
}

// stop tells the work to end and waits for it. It may be called several times.
func (t *task) stop() error {
	t.cancel()
	return t.wait()
}
