// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"sync/atomic"
)

// request is something that a caller wants to have done by the loop.
type request struct {
	do func(*loop) error
	// taken is set by the loop before it calls do, or by a caller that doesn't
	// wait any longer, so that nothing is done behind the caller's back.
	taken atomic.Bool
	// answer has room for the only one.
	answer chan error
}

// ask has do called by the loop and returns its error, once a snapshot shows
// what it did. When ctx is done first, do is never called. do may write
// variables of the caller.
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

// refuse answers a request that nobody will see to any more.
func (r *request) refuse() {
	if !r.taken.Swap(true) {
		r.answer <- ErrEnded
	}
}

// answer is what a request is going to be told.
type answer struct {
	request *request
	err     error
}

// reply answers the requests that were seen to.
func (l *loop) reply() {
	for _, a := range l.answers {
		a.request.answer <- a.err
	}
	l.answers = nil
}
