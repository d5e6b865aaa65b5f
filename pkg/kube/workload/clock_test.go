// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"net/http"
	"testing"
	"time"
)

func TestCorrected(t *testing.T) {
	asked := time.Date(2026, 1, 2, 3, 4, 5, 6e8, time.UTC)
	answered := asked.Add(100 * time.Millisecond)
	began := asked.Add(-time.Minute)
	for _, tc := range []struct {
		skew, want time.Duration
	}{
		{0, 0},
		{time.Second, 0},
		{-time.Second, 0},
		{-10 * time.Minute, -10*time.Minute - 600*time.Millisecond},
		{10 * time.Minute, 10*time.Minute - 700*time.Millisecond},
	} {
		header := asked.Add(tc.skew).Format(http.TimeFormat)
		if got := corrected(began, header, asked, answered).Sub(began); got != tc.want {
			t.Errorf("a clock that is off by %s: corrected by %s, want %s", tc.skew, got, tc.want)
		}
	}
	if got := corrected(began, "", asked, answered); !got.Equal(began) {
		t.Errorf("without a date: %s", got)
	}
}
