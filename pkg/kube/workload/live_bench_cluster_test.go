//go:build cluster

// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestClusterLiveUpdateDuration measures the time from the request to the end of an update of one file.
func TestClusterLiveUpdateDuration(t *testing.T) {
	for name, size := range map[string]int{"small": 100, "5 MB": 5_000_000} {
		t.Run(name, func(t *testing.T) {
			l := newLiveFixture(t, toApp(), app(1, "BUSYBOX", "", ""))
			l.awaitRunning(1)
			var all []time.Duration
			for range 100 {
				l.write("src/file", strings.Repeat("x", size), 0o644)
				begin := time.Now()
				l.updateWell()
				all = append(all, time.Since(begin))
			}
			slices.Sort(all)
			t.Logf("p50 %s, p90 %s, p99 %s", all[50], all[90], all[99])
		})
	}
}
