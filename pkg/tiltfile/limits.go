// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"context"
	"fmt"
	"runtime/metrics"

	"go.starlark.net/starlark"
)

// limits are what one evaluation may use. Only a mistake reaches them.
type limits struct {
	// steps are the steps of the interpreter.
	steps uint64
	// callDepth is how deeply calls may be nested.
	callDepth int
	// heapGrowth is how many bytes the live heap of the process may grow by.
	heapGrowth uint64
}

// defaultLimits allow a few seconds of computing, and memory for decoded data, which takes several times its size.
func defaultLimits(maxDataSize int64) limits {
	return limits{steps: 200_000_000, callDepth: 10_000, heapGrowth: max(1<<30, uint64(maxDataSize)*16)}
}

// stepsPerCheck is the number of steps between two checks of the limits.
const stepsPerCheck = 100

// enforceLimits ends the evaluation with an error when its context is done or it reaches a limit, until stop is
// called.
func (e *evaluation) enforceLimits() (stop func()) {
	maxHeap := liveHeap() + e.limits.heapGrowth
	e.Thread.SetMaxExecutionSteps(stepsPerCheck)
	e.Thread.OnMaxSteps = func(thread *starlark.Thread) {
		cancel := func(format string, args ...any) {
			thread.Cancel("the Tiltfile was stopped " + fmt.Sprintf(format, args...))
		}
		switch {
		case thread.Steps >= e.limits.steps:
			cancel("after %d steps, it may be in an endless loop", thread.Steps)
		case thread.CallStackDepth() > e.limits.callDepth:
			cancel("because calls are nested more than %d deep", e.limits.callDepth)
		case liveHeap() > maxHeap:
			cancel("because it keeps more than %d MiB of memory", e.limits.heapGrowth>>20)
		}
		thread.SetMaxExecutionSteps(thread.Steps + stepsPerCheck)
	}
	done := make(chan struct{})
	stopWatch := context.AfterFunc(e.Context, func() {
		defer close(done)
		e.Thread.Cancel(context.Cause(e.Context).Error())
	})
	return func() {
		if !stopWatch() {
			<-done
		}
	}
}

// liveHeap returns how many bytes of the heap were in use at the last garbage collection.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
