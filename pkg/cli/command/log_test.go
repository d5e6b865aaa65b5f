// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"io"
	"strings"
	"testing"

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
