// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"context"
	"fmt"
	"runtime/metrics"

	"go.starlark.net/starlark"
)

const (
	// defaultMaxSteps is a few seconds of computing, far more than any Tiltfile
	// needs.
	defaultMaxSteps = 200_000_000
	// defaultMaxHeapGrowth is how many bytes the live heap of the process may
	// grow by.
	defaultMaxHeapGrowth = 1 << 30
	// maxCallDepth is how deeply calls may be nested.
	maxCallDepth = 10_000
	// stepsPerCheck is how many steps go by between two looks at the limits.
	stepsPerCheck = 10_000
	// maxSourceSize is the most bytes of a Tiltfile. Within it, not even the
	// most nested source overflows the stack of the compiler.
	maxSourceSize = 1 << 20
	// maxReadSize is the most bytes that a builtin takes from a file or from
	// the output of a command.
	maxReadSize = 64 << 20
)

// limit makes the evaluation end with an error when its context is done, when
// it has taken too many steps, nests calls too deeply or keeps too much memory.
// The function returned ends that.
func (e *evaluation) limit() (stop func()) {
	allowed := liveHeap() + e.maxHeapGrowth
	e.thread.SetMaxExecutionSteps(stepsPerCheck)
	e.thread.OnMaxSteps = func(thread *starlark.Thread) {
		switch {
		case thread.Steps >= e.maxSteps:
			thread.Cancel(fmt.Sprintf("the Tiltfile was stopped after %d steps, it may be in an endless loop", thread.Steps))
		case thread.CallStackDepth() > maxCallDepth:
			thread.Cancel(fmt.Sprintf("the Tiltfile was stopped because calls are nested more than %d deep", maxCallDepth))
		case liveHeap() > allowed:
			thread.Cancel(fmt.Sprintf("the Tiltfile was stopped because it needs more than %d MiB of memory", e.maxHeapGrowth>>20))
		}
		thread.SetMaxExecutionSteps(thread.Steps + stepsPerCheck)
	}
	done := make(chan struct{})
	stopWatch := context.AfterFunc(e.ctx, func() {
		defer close(done)
		e.thread.Cancel(context.Cause(e.ctx).Error())
	})
	return func() {
		if !stopWatch() {
			<-done
		}
	}
}

// liveHeap is how many bytes of the heap were in use at the last garbage
// collection.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
