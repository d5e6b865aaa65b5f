// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/metrics"

	"go.starlark.net/starlark"
	"k8s.io/apimachinery/pkg/api/resource"
)

const (
	// maxSourceSize is the most bytes of a Tiltfile. Within it, not even the
	// most nested source overflows the stack of the compiler.
	maxSourceSize = 1 << 20
	// stepsPerCheck is how many steps go by between two looks at the limits.
	stepsPerCheck = 100
)

// limits are what one evaluation may use.
type limits struct {
	steps uint64
	// callDepth is how deeply calls may be nested.
	callDepth int
	// heapGrowth is how many bytes the live heap of the process may grow by.
	heapGrowth uint64
	// readSize is the most bytes that a builtin takes from a file, from one of
	// the outputs of a command or from a text to decode, and that it encodes.
	readSize int64
}

// generous returns limits that only a mistake reaches: the steps are a few
// seconds of computing. What's read takes several times its size in memory.
func generous(readSize int64) limits {
	return limits{steps: 200_000_000, callDepth: 10_000, heapGrowth: max(1<<30, uint64(readSize)*16), readSize: readSize}
}

const (
	// DataSizeVariable is the environment variable that sets MaxDataSize in
	// Options. Errors name it.
	DataSizeVariable = "TILT_SESSION_MAX_DATA_SIZE"
	// DefaultMaxDataSize is MaxDataSize where it isn't set.
	DefaultMaxDataSize = 64 << 20
)

// tooLarge is the error of what has more bytes than it may have.
type tooLarge struct {
	what  string
	limit int64
}

func (t tooLarge) Error() string {
	return fmt.Sprintf("%s is larger than %s", t.what, resource.NewQuantity(t.limit, resource.BinarySI))
}

// explainDataSize adds to an error about too much data how to allow it.
func explainDataSize(err error) error {
	var large tooLarge
	if errors.As(err, &large) {
		return fmt.Errorf("%w: set the environment variable %s to allow more", err, DataSizeVariable)
	}
	return err
}

// checkDataSize returns an error for too much data to decode.
func (e *evaluation) checkDataSize(length int, what string) error {
	if int64(length) > e.limits.readSize {
		return explainDataSize(tooLarge{what, e.limits.readSize})
	}
	return nil
}

// contextReader reads until ctx is done, so that decoding what it reads ends.
type contextReader struct {
	ctx context.Context
	io.Reader
}

// Read implements io.Reader.
func (r contextReader) Read(p []byte) (int, error) {
	const atOnce = 64 << 10
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.Reader.Read(p[:min(len(p), atOnce)])
}

// enforceLimits makes the evaluation end with an error when its context is done,
// when it has taken too many steps, nests calls too deeply or keeps too much
// memory. The function returned ends that.
func (e *evaluation) enforceLimits() (stop func()) {
	e.heapLimit = liveHeap() + e.limits.heapGrowth
	e.thread.SetMaxExecutionSteps(stepsPerCheck)
	e.thread.OnMaxSteps = func(thread *starlark.Thread) {
		switch {
		case thread.Steps >= e.limits.steps:
			thread.Cancel(fmt.Sprintf("the Tiltfile was stopped after %d steps, it may be in an endless loop", thread.Steps))
		case thread.CallStackDepth() > e.limits.callDepth:
			thread.Cancel(fmt.Sprintf("the Tiltfile was stopped because calls are nested more than %d deep", e.limits.callDepth))
		case liveHeap() > e.heapLimit:
			thread.Cancel(fmt.Sprintf("the Tiltfile was stopped because it keeps more than %d MiB of memory", e.limits.heapGrowth>>20))
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
