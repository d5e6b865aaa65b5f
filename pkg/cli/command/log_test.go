// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/klog/v2"
)

// TestLogIsAskedFor directs the log of the process, of which there's one.
func TestLogIsAskedFor(t *testing.T) {
	log := &bytes.Buffer{}
	if err := DirectLog(log, 1); err != nil {
		t.Fatal(err)
	}
	klog.Info("some news")
	klog.Error("some trouble")
	klog.Flush()
	if err := DirectLog(io.Discard, 0); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"some news", "some trouble"} {
		if got := strings.Count(log.String(), line); got != 1 {
			t.Errorf("%q is logged %d times", line, got)
		}
	}
}

// An event of a watch whose client has gone is no error, other errors are.
func TestEndsOfWatches(t *testing.T) {
	got := 0
	handle := withoutEndsOfWatches([]utilruntime.ErrorHandler{
		func(context.Context, error, string, ...any) { got++ },
	})[0]
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	const encode = "Failed to encode watch event"
	handle(gone, errors.New("write: broken pipe"), encode)
	handle(t.Context(), errors.New("http2: stream closed"), encode)
	if got != 0 {
		t.Errorf("%d ends of watches are handled", got)
	}
	handle(t.Context(), errors.New("no such kind"), encode)
	handle(gone, errors.New("http2: stream closed"), "another message")
	handle(t.Context(), nil, encode)
	if got != 3 {
		t.Errorf("%d errors are handled, want 3", got)
	}
}
