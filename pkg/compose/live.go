// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"tilt.dev/session/pkg/compose/dockerapi"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/liveupdate"
)

var _ engine.LiveUpdater = (*runtime)(nil)

// StartLiveUpdate implements engine.LiveUpdater.
func (t *runtime) StartLiveUpdate(request engine.LiveUpdateRequest) (engine.Activity, error) {
	return t.live.Start(request)
}

// renewLive has the live updates follow another request, which is only of another definition if it has no output.
func (t *runtime) renewLive(request engine.RuntimeRequest) {
	if output, ok := request.Output.(*applied); ok {
		t.deployed = output.at
	}
	t.live.Renew(request, t.deployed)
}

// observeLive tells the live updates which containers there are. Settled is true if no others are about to come.
func (t *runtime) observeLive(containers []*dockerapi.Container, settled bool) {
	if len(t.spec.LiveUpdates) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.next != nil {
		return
	}
	running := map[string]bool{}
	var all []liveupdate.Member
	for _, c := range containers {
		m := t.member(c)
		running[m.ID] = m.State == liveupdate.MemberRunning
		all = append(all, m)
	}
	members := make([][]liveupdate.Member, len(t.spec.LiveUpdates))
	for i := range members {
		members[i] = all // All of them run the image of the service.
	}
	t.live.Observe(members, running, settled)
}

// member is how a container is. It keeps its files when it starts again, and so its ID too.
func (t *runtime) member(c *dockerapi.Container) liveupdate.Member {
	m := liveupdate.Member{
		Container: &container{
			runner: t.runner, environ: t.spec.Environ, client: t.watch.client,
			id: c.ID, name: c.Name, started: c.State.StartedAt,
		},
		ID: c.ID,
	}
	switch c.State.Status {
	case dockerapi.StatusRunning:
		m.State = liveupdate.MemberRunning
	case dockerapi.StatusRestarting:
		m.State, m.Reason = liveupdate.MemberCrashing, "CrashLoopBackOff"
		m.Message = "Cannot live update because container crashing. Container: " + c.Name
	case dockerapi.StatusExited, dockerapi.StatusDead, dockerapi.StatusRemoving:
		m.State, m.Reason = liveupdate.MemberStopped, "Terminated"
		m.Message = "Container for live update is stopped. Container: " + c.Name
	}
	return m
}
