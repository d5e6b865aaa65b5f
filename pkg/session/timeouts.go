// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
)

const (
	// maxProbes is how many servers an error shows the last probe result of.
	maxProbes = 10
	// maxProbeLength is how many characters of each are shown.
	maxProbeLength = 200
)

// lateness is what came of the readiness limits. A limit is reached at its
// exact end.
type lateness struct {
	// count is how many servers should have been ready by now. The one whose limit
	// was reached first, at since, is told of in err.
	count int
	err   string
	since time.Time
	// next is when another one will be late.
	next time.Time
}

// checkReadiness looks for servers that haven't been ready for d, or for the
// limit of their own.
func checkReadiness(snap *engine.Snapshot, d time.Duration, now time.Time) lateness {
	var late lateness
	for _, s := range unready(snap) {
		limit := d
		if s.ReadinessTimeout > 0 {
			limit = s.ReadinessTimeout
		}
		deadline := after(notReadySince(s.ServeState), limit)
		switch {
		case deadline.IsZero():
		case now.Before(deadline):
			late.next = earliest(late.next, deadline)
		default:
			if late.count == 0 || deadline.Before(late.since) {
				late.since = deadline
				late.err = fmt.Sprintf("Readiness timeout after %s: target %s not ready", limit, s.target)
				if probe := oneLine(s.LastProbe); probe != "" {
					late.err += ": " + probe
				}
			}
			late.count++
		}
	}
	return late
}

// notReadySince is since when the patience with a server counts: when it last
// became ready, else its start, else zero. A server that's launched again and
// again isn't met with new patience each time.
func notReadySince(s *engine.ServeState) time.Time {
	switch p := s.Process; {
	case p != nil && !p.LastReady.IsZero():
		return p.LastReady
	case p == nil || !s.Down.IsZero():
		return s.Down
	default:
		return p.Start
	}
}

// checkTimeout lets a decision stand unless the Session has been running for as
// long as it may.
func checkTimeout(otherwise decision, snap *engine.Snapshot, limits *v1alpha1.SessionCISpec, sum summary, now time.Time) decision {
	d := limit(limits.Timeout)
	deadline := after(snap.StartTime, d)
	if deadline.IsZero() || now.Before(deadline) {
		otherwise.next = earliest(otherwise.next, deadline)
		return otherwise
	}
	reason := sum.String() + lastProbes(snap)
	if !otherwise.settled.IsZero() {
		reason = settlingUntil(otherwise.settled)
	}
	return decision{verdict: Timeout, err: fmt.Sprintf("Timeout after %s: %s", d, reason)}
}

// lastProbes adds to the message of a timeout what the probes of servers that
// aren't ready have said last.
func lastProbes(snap *engine.Snapshot) string {
	var b strings.Builder
	probed := 0
	for _, s := range unready(snap) {
		probe := oneLine(s.LastProbe)
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

// gettingReady is true for a server that runs but isn't ready, or that has ended
// and is launched again.
func gettingReady(r *engine.ResourceState) bool {
	phase := servePhase(r)
	return phase == PhaseActive || phase == PhaseWaiting && !r.Serve.Down.IsZero()
}

// unreadyServer is a server of which gettingReady is true.
type unreadyServer struct {
	*engine.ServeState
	target string
}

// unready lists such servers by name.
func unready(snap *engine.Snapshot) []unreadyServer {
	var servers []unreadyServer
	for i := range snap.Resources {
		if r := &snap.Resources[i]; gettingReady(r) {
			servers = append(servers, unreadyServer{r.Serve, targetName(r.Name, "serve")})
		}
	}
	slices.SortStableFunc(servers, func(a, b unreadyServer) int { return strings.Compare(a.target, b.target) })
	return servers
}

// oneLine is the beginning of what a probe has said, with spaces for line ends.
func oneLine(s string) string {
	line := []rune(strings.Join(strings.Fields(text(s)), " "))
	if len(line) > maxProbeLength {
		return string(line[:maxProbeLength-1]) + "…"
	}
	return string(line)
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
