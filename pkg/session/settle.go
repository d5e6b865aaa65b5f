// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
)

// aliveFor is how long a server without a readiness probe must have lived to be
// believed, unless its Tiltfile says how long the Session settles. Whatever can't
// do its work usually ends before.
const aliveFor = time.Second

// readyFor is how long a server with a readiness probe must have been ready: one
// that ends at once may have passed it before, or another process may have
// answered, as where its port is taken.
const readyFor = 100 * time.Millisecond

// maxStable is how long at most a server that was launched again must have been
// ready to be believed.
const maxStable = 10 * time.Second

// stableFrom is when a server that was launched again so often, and has been ready
// since then, is believed to stay so: after 1 s, 2 s, 4 s and so on, as long as
// it was waited with the launch. It's zero for one that never was.
func stableFrom(since time.Time, restarts int32) time.Time {
	if restarts <= 0 {
		return time.Time{}
	}
	return since.Add(min(time.Second<<min(restarts-1, 10), maxStable))
}

// aliveFrom is when every server that's ready has lived, or with a readiness probe
// has been ready, for long enough, zero if there's none.
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

// settle lets a healthy Session succeed when it has been so for as long as its
// Tiltfile wants, when servers without a readiness probe have lived for a while if
// the Tiltfile doesn't say, and when servers that have ended before have been
// ready for as long as it takes to believe them.
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

// healthySince is since when everything has been healthy without a break, as
// far as anybody can tell: when the last target became so, unless it was known
// before that something else stood against it, such as a resource that has been
// disabled meanwhile. Only the stored condition knows that, in whole seconds, so
// it's believed when it's the later by more than that.
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

// settlingUntil is the moment for people.
func settlingUntil(settled time.Time) string {
	return fmt.Sprintf("everything is ready and has to stay so until %s", settled.UTC().Format("2006-01-02T15:04:05.000Z07:00"))
}
