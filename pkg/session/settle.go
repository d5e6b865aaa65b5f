// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
)

// aliveFor is how long a server without a readiness probe must have lived before the Session succeeds, unless its
// Tiltfile sets how long the Session settles. A server that can't do its work usually ends before.
const aliveFor = time.Second

// readyFor is how long a server with a readiness probe must have been ready. One that ends at once may have passed
// the probe before, and another process that has taken its port may have answered.
const readyFor = 100 * time.Millisecond

// maxStable is how long at most a server that was started again must have been ready.
const maxStable = 10 * time.Second

// stableFrom is when a server that was started again so often, and has been ready
// since then, counts as stable: after 1 s, 2 s, 4 s and so on, the delay before its
// last start. It is zero for a server that was never started again.
func stableFrom(since time.Time, restarts int32) time.Time {
	if restarts <= 0 {
		return time.Time{}
	}
	return since.Add(min(time.Second<<min(restarts-1, 10), maxStable))
}

// aliveFrom is when every ready server has lived, or with a readiness probe has been
// ready, for long enough. It is zero if there is none.
func aliveFrom(snap *engine.Snapshot) (alive time.Time) {
	for i := range snap.Resources {
		r := &snap.Resources[i]
		if servePhase(r) != PhaseReady {
			continue
		}
		since, enough := r.Serve.Process.Start, aliveFor
		if r.Serve.Probed {
			since, enough = r.Serve.Process.LastReady, readyFor
		}
		alive = latest(alive, since.Add(enough))
	}
	return alive
}

// settle lets a healthy Session succeed when it has been so for as long as its Tiltfile sets, or without that when
// its servers have lived for a while, and when servers that have ended before count as stable.
func settle(snap *engine.Snapshot, current *v1alpha1.Session, sum summary, now time.Time) decision {
	settled := sum.stable
	switch settings := snap.Tiltfile.CI; {
	case settings == nil || settings.Settle == nil:
		settled = latest(settled, aliveFrom(snap))
	case *settings.Settle > 0:
		ready := meta.FindStatusCondition(current.Status.Conditions, v1alpha1.SessionConditionReady)
		settled = latest(settled, healthySince(ready, sum.changed, now).Add(*settings.Settle))
	}
	if !now.Before(settled) {
		return decision{verdict: Succeeded}
	}
	return decision{settled: settled, next: settled}
}

// healthySince is since when everything has been healthy without a break: when the last target became so, unless
// the stored condition says that something else kept the Session from it later, such as a resource that was
// disabled since. The condition has whole seconds, so it counts only if it is later by more than that.
func healthySince(ready *metav1.Condition, changed, now time.Time) time.Time {
	known := now.Truncate(time.Second)
	if ready != nil && ready.Status == metav1.ConditionTrue {
		known = ready.LastTransitionTime.Time
	}
	if changed.Add(time.Second).Before(known) {
		return known.Add(time.Second)
	}
	return latest(changed, known)
}

// settlingUntil is the end of a message about that moment.
func settlingUntil(settled time.Time) string {
	const milliseconds = "2006-01-02T15:04:05.000Z07:00"
	return "everything is ready and has to stay so until " + settled.UTC().Format(milliseconds)
}
