// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"sync/atomic"
)

// request is a function that a caller wants the loop to call.
type request struct {
	do func(*loop) error
	// taken is set by the loop before it calls do, or by a caller that stops
	// waiting, after which the loop doesn't call do.
	taken atomic.Bool
	// answer has a buffer for the only answer.
	answer chan error
}

// ask lets the loop call do, and returns its error once a snapshot shows what it did. If ctx is done first, do is
// never called. do may write variables of the caller.
func (e *Engine) ask(ctx context.Context, do func(*loop) error) error {
	r := &request{do: do, answer: make(chan error, 1)}
	if !e.mailbox.put(r) {
		return ErrEnded
	}
	select {
	case err := <-r.answer:
		return err
	case <-ctx.Done():
	}
	if r.taken.Swap(true) {
		return <-r.answer
	}
	return ctx.Err()
}

func (r *request) apply(l *loop) {
	if l.stopping {
		r.refuse()
		return
	}
	if !r.taken.Swap(true) {
		l.answers = append(l.answers, answer{r, r.do(l)})
	}
}

// refuse answers a request that the loop will not handle.
func (r *request) refuse() {
	if !r.taken.Swap(true) {
		r.answer <- ErrEnded
	}
}

// answer is the pending answer to a request.
type answer struct {
	request *request
	err     error
}

// reply answers the handled requests.
func (l *loop) reply() {
	for _, a := range l.answers {
		a.request.answer <- a.err
	}
	l.answers = nil
}
