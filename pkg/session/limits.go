// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/text"
)

const (
	// maxProbes is how many servers an error shows the last probe result of.
	maxProbes = 10
	// maxProbeLength is how many characters of each it shows.
	maxProbeLength = 200
)

// limitsInEffect is status.ci of a Session: what ci_settings in its Tiltfile sets,
// else what spec.ci sets, else the default. It is nil before the Tiltfile was read.
func limitsInEffect(spec *v1alpha1.SessionCISpec, settings *model.CISettings) *v1alpha1.SessionCISpec {
	if settings == nil {
		return nil
	}
	if spec == nil {
		spec = &v1alpha1.SessionCISpec{}
	}
	return &v1alpha1.SessionCISpec{
		Timeout:          firstSet(settings.Timeout, spec.Timeout, model.DefaultTimeout),
		ReadinessTimeout: firstSet(settings.ReadinessTimeout, spec.ReadinessTimeout, model.DefaultReadinessTimeout),
		K8sGracePeriod:   firstSet(settings.K8sGracePeriod, spec.K8sGracePeriod, 0),
	}
}

// firstSet is the first duration that is set, not less than 0. A fallback of 0 leaves it unset.
func firstSet(setting *time.Duration, spec *metav1.Duration, fallback time.Duration) *metav1.Duration {
	switch {
	case setting != nil:
		return &metav1.Duration{Duration: max(*setting, 0)}
	case spec != nil:
		return &metav1.Duration{Duration: max(spec.Duration, 0)}
	case fallback != 0:
		return &metav1.Duration{Duration: fallback}
	default:
		return nil
	}
}

// limitsOf are the limits in effect, zero for none. Before the Tiltfile was read spec.ci alone sets them.
func limitsOf(snap *engine.Snapshot, spec *v1alpha1.SessionCISpec) (timeout, readiness time.Duration) {
	if inEffect := limitsInEffect(spec, snap.Tiltfile.CI); inEffect != nil {
		spec = inEffect
	}
	if spec == nil {
		return 0, 0
	}
	none := metav1.Duration{}
	return max(ptr.Deref(spec.Timeout, none).Duration, 0), max(ptr.Deref(spec.ReadinessTimeout, none).Duration, 0)
}

// graceOf is how long after its deploy the failure of a workload is tolerated, 0 if it isn't.
func graceOf(snap *engine.Snapshot, spec *v1alpha1.SessionCISpec) time.Duration {
	if inEffect := limitsInEffect(spec, snap.Tiltfile.CI); inEffect != nil {
		spec = inEffect
	}
	if spec == nil {
		return 0
	}
	return max(ptr.Deref(spec.K8sGracePeriod, metav1.Duration{}).Duration, 0)
}

// lateness is what the readiness limits say of the servers. A limit is reached at its exact end.
type lateness struct {
	// count is how many servers should have been ready by now. err describes the one
	// whose limit was reached first, at since.
	count int
	err   string
	since time.Time
	// next is when another one will be late.
	next time.Time
}

// checkReadiness finds servers that haven't been ready for d, or for the limit of their own.
func checkReadiness(snap *engine.Snapshot, d time.Duration, now time.Time) lateness {
	var late lateness
	for _, s := range unready(snap) {
		limit := d
		if s.ReadinessTimeout > 0 {
			limit = s.ReadinessTimeout
		}
		deadline := after(notReadySince(s.RuntimeState), limit)
		switch {
		case deadline.IsZero():
		case now.Before(deadline):
			late.next = earliest(late.next, deadline)
		default:
			if late.count == 0 || deadline.Before(late.since) {
				late.since = deadline
				late.err = fmt.Sprintf("Readiness timeout after %s: target %s not ready", limit, s.target)
				if probe := oneLine(s.Detail); probe != "" {
					late.err += ": " + probe
				}
			}
			late.count++
		}
	}
	return late
}

// notReadySince is the moment from which the readiness limit of a server counts: when
// it last became ready, else its start, else zero. A restart doesn't reset it.
func notReadySince(s *engine.RuntimeState) time.Time {
	switch p := s.Running; {
	case p != nil && !p.LastReady.IsZero():
		return p.LastReady
	case p == nil || !s.Down.IsZero():
		return s.Down
	default:
		return p.Start
	}
}

// checkTimeout returns otherwise, unless the Session has been running for as long as it may.
func checkTimeout(otherwise decision, snap *engine.Snapshot, timeout time.Duration, sum summary,
	now time.Time) decision {
	deadline := after(snap.StartTime, timeout)
	if deadline.IsZero() || now.Before(deadline) {
		otherwise.next = earliest(otherwise.next, deadline)
		return otherwise
	}
	reason := sum.String() + lastProbes(snap)
	if !otherwise.settled.IsZero() {
		reason = settlingUntil(otherwise.settled)
	}
	return decision{verdict: Timeout, err: fmt.Sprintf("Timeout after %s: %s", timeout, reason)}
}

// lastProbes is the end of a timeout's message: the last probe results of servers that aren't ready.
func lastProbes(snap *engine.Snapshot) string {
	var b strings.Builder
	probed := 0
	for _, s := range unready(snap) {
		probe := oneLine(s.Detail)
		if probe == "" {
			continue
		}
		if probed++; probed <= maxProbes {
			fmt.Fprintf(&b, "; last probe of %s: %s", s.target, probe)
		}
	}
	if more := probed - maxProbes; more > 0 {
		fmt.Fprintf(&b, "; and of %d more", more)
	}
	return b.String()
}

// gettingReady reports whether a server runs but isn't ready, or has ended and is about to be started again. A
// workload counts from its deploy on.
func gettingReady(r *engine.ResourceState) bool {
	phase := runtimePhase(r)
	return phase == PhaseActive && !r.Runtime.Ends ||
		phase == PhaseWaiting && !r.Runtime.Ends && (r.Runtime.Running != nil || !r.Runtime.Down.IsZero())
}

// unreadyServer is a server of which gettingReady is true.
type unreadyServer struct {
	*engine.RuntimeState
	target string
}

// unready lists such servers by name.
func unready(snap *engine.Snapshot) []unreadyServer {
	var servers []unreadyServer
	for i := range snap.Resources {
		if r := &snap.Resources[i]; gettingReady(r) {
			servers = append(servers, unreadyServer{r.Runtime, targetName(r.Name, r.Runtime.Verb)})
		}
	}
	slices.SortStableFunc(servers, func(a, b unreadyServer) int { return strings.Compare(a.target, b.target) })
	return servers
}

// oneLine is the beginning of a probe result, with spaces for line ends.
func oneLine(s string) string {
	return text.Cut(strings.Join(strings.Fields(errorText(s)), " "), maxProbeLength)
}

// after is d after start, zero if either isn't set.
func after(start time.Time, d time.Duration) time.Time {
	if start.IsZero() || d == 0 {
		return time.Time{}
	}
	return start.Add(d)
}

// earliest is the earlier of two moments that are zero when there is none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
