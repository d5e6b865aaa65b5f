// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"tilt.dev/session/pkg/host"
)

// linger is a part that takes its time to stop, during which the parts before it go on.
type linger struct {
	time time.Duration
	// wanted is true when there's something to see.
	wanted  atomic.Bool
	hurried chan struct{}
}

func (l *linger) part() host.Part {
	hurry := sync.OnceFunc(func() { close(l.hurried) })
	return host.Part{Name: "linger", Hurry: hurry, Run: func(ctx context.Context, ready func()) error {
		ready()
		<-ctx.Done()
		if !l.wanted.Load() {
			return nil
		}
		select {
		case <-time.After(l.time):
		case <-l.hurried:
		}
		return nil
	}}
}
