// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"fmt"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// logReaders are the logs that are being read. It's safe for concurrent use.
type logReaders struct {
	// ending is closed when all are to end.
	ending chan struct{}

	mu    sync.Mutex
	ended bool
	// open has a channel for each of them, which is closed when it's finished.
	open map[chan struct{}]struct{}
}

func newLogReaders() *logReaders {
	return &logReaders{ending: make(chan struct{}), open: map[chan struct{}]struct{}{}}
}

// begin notes that a log is being read, which should end when until is closed.
// Its reader calls finish once.
func (r *logReaders) begin() (until <-chan struct{}, finish func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return nil, nil, apierrors.NewServiceUnavailable("the server is shutting down")
	}
	finished := make(chan struct{})
	r.open[finished] = struct{}{}
	return r.ending, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.open, finished)
		close(finished)
	}, nil
}

// end refuses further readers and waits for those that there are.
func (r *logReaders) end(ctx context.Context) error {
	pending := r.close()
	unfinished := 0
	for _, finished := range pending {
		select {
		case <-finished:
		case <-ctx.Done():
			unfinished++
		}
	}
	if unfinished > 0 {
		return fmt.Errorf("%d of %d logs were not read to their end: %w", unfinished, len(pending), context.Cause(ctx))
	}
	return nil
}

func (r *logReaders) close() (pending []chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended {
		r.ended = true
		close(r.ending)
	}
	for finished := range r.open {
		pending = append(pending, finished)
	}
	return pending
}
