// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// checkLimits decides whether a Session that's neither failed nor healthy has
// taken too long. A limit is reached at its exact end.
func checkLimits(limits *v1alpha1.SessionCISpec, status v1alpha1.SessionStatus, sum summary, now time.Time) decision {
	if limits == nil {
		return decision{}
	}
	readiness := checkReadiness(limit(limits.ReadinessTimeout), sum.notReady, now)
	if readiness.verdict != Undecided {
		return readiness
	}
	overall := checkTimeout(limit(limits.Timeout), status.StartTime.Time, sum, now)
	if overall.verdict != Undecided {
		return overall
	}
	return decision{next: earliest(readiness.next, overall.next)}
}

// checkReadiness looks for servers that haven't been ready for d. The first by
// name is blamed.
func checkReadiness(d time.Duration, notReady []v1alpha1.Target, now time.Time) decision {
	var next time.Time
	for _, t := range notReady {
		deadline := after(notReadySince(t), d)
		switch {
		case deadline.IsZero():
		case !now.Before(deadline):
			return decision{
				verdict: ReadinessTimeout,
				err:     fmt.Sprintf("Readiness timeout after %s: target %s not ready", d, t.Name),
			}
		default:
			next = earliest(next, deadline)
		}
	}
	return decision{next: next}
}

// notReadySince is since when the patience with a server counts: when it last
// became ready, else its start, else zero. It's zero for a job as well, which
// may take as long as the whole Session.
func notReadySince(t v1alpha1.Target) time.Time {
	switch active := t.State.Active; {
	case t.Type != v1alpha1.TargetTypeServer:
		return time.Time{}
	case !active.LastReadyTime.IsZero():
		return active.LastReadyTime.Time
	default:
		return active.StartTime.Time
	}
}

// checkTimeout looks whether the Session has been running for d.
func checkTimeout(d time.Duration, start time.Time, sum summary, now time.Time) decision {
	deadline := after(start, d)
	if deadline.IsZero() || now.Before(deadline) {
		return decision{next: deadline}
	}
	return decision{verdict: Timeout, err: fmt.Sprintf("Timeout after %s: %s", d, sum)}
}

// limit is a time limit as a duration, 0 when there's none.
func limit(d *metav1.Duration) time.Duration {
	if d == nil {
		return 0
	}
	return max(d.Duration, 0)
}

// after is d after start, zero if either isn't set.
func after(start time.Time, d time.Duration) time.Time {
	if start.IsZero() || d == 0 {
		return time.Time{}
	}
	return start.Add(d)
}

// earliest is the earlier of two moments that are zero when there's none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
