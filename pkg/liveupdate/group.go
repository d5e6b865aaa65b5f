// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package liveupdate

import (
	"context"
	"slices"
	"sync"
	"time"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
)

// Group has which files the containers of a runtime have got, and brings them those that they lack. All of them get
// the changes of a request; one that starts later lacks them until the next one. It owns the live updates that it
// starts: Close ends them and waits. Its methods are safe for concurrent use.
type Group struct {
	ctx    context.Context
	cancel context.CancelFunc
	wait   sync.WaitGroup

	mu      sync.Mutex
	request engine.RuntimeRequest
	// deployed is when the last deploy ended. known is true once its containers were seen: members are those of each live
	// update, and settled is true if no others are about to come.
	deployed       time.Time
	known, settled bool
	members        [][]Member
	marks          map[markKey]*mark
	// latest are the largest numbers of changes of the last request.
	latest map[identity]uint64
	// reported are the last states, nil before. closed ends reports and updates.
	reported []engine.LiveState
	closed   bool
	// current is the last live update, nil before.
	current *activity
}

// Member is a container that takes files, as it is now.
type Member struct {
	Container
	// ID is that of the files in the container: it's another one once they are as in the image again.
	ID    string
	State MemberState
	// Reason and Message say why a container takes no files that is MemberCrashing or MemberStopped.
	Reason, Message string
}

// MemberState is whether a container takes files.
type MemberState uint8

const (
	// MemberWaiting is a container that is about to run.
	MemberWaiting MemberState = iota
	// MemberRunning is a container that takes files.
	MemberRunning
	// MemberCrashing is a container that runs for a moment now and then.
	MemberCrashing
	// MemberStopped is a container that runs no more.
	MemberStopped
)

// identity is which containers a live update is for. Its steps may change.
type identity struct{ image, repository, container string }

func identityOf(u *model.LiveUpdate) identity { return identity{u.Image, u.Repository, u.Container} }

// markKey is a container for a live update.
type markKey struct {
	identity
	id string
}

// mark is what a container has got.
type mark struct {
	// had is the number up to which it has all changes, tried that up to which it was tried to bring them.
	had, tried uint64
	// brought are the files that it ever got. again is true if another deploy has left it as it is since, so that they may
	// be other ones, owed until it got them anew.
	brought     map[string]bool
	again, owed bool
	// initial is true once it has had its initial sync, initialTried once that was tried.
	initial, initialTried bool
	// program is what Equip returned.
	program string
	// job brings it files, nil if none does.
	job *job
}

// restarts reports whether a job may be starting the container again. The mark may be nil.
func (m *mark) restarts() bool { return m != nil && m.job != nil && m.job.Steps.Restart }

// NewGroup returns the group of a runtime whose deploy has ended at a time. Live updates end with ctx.
func NewGroup(ctx context.Context, request engine.RuntimeRequest, deployed time.Time) *Group {
	g := &Group{marks: map[markKey]*mark{}}
	g.ctx, g.cancel = context.WithCancel(ctx)
	g.Renew(request, deployed)
	return g
}

// Renew follows another request. If it is of another deploy, its containers are unknown until they are observed.
func (g *Group) Renew(request engine.RuntimeRequest, deployed time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if request.Images == nil {
		request.Images = g.request.Images
	}
	g.request, g.members = request, nil
	if !deployed.Equal(g.deployed) || g.latest == nil {
		g.deployed, g.known = deployed, false
		g.latest = map[identity]uint64{}
		for _, m := range g.marks {
			m.again, m.owed = len(m.brought) > 0, m.owed || len(m.brought) > 0
		}
	}
	g.reported = nil
}

// Request is the last one. Its Images are those of the last one that has some.
func (g *Group) Request() engine.RuntimeRequest {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.request
}

// Observe takes in the containers of each live update of the request, and forgets those of which no member is left:
// running says of the IDs of all containers that exist, also of those that don't count, whether they run. Settled is
// true if the runtime has all containers that it will have.
func (g *Group) Observe(members [][]Member, running map[string]bool, settled bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.known, g.settled, g.members = true, settled, members
	for key, m := range g.marks {
		runs, exists := running[key.id]
		switch {
		case m.restarts() && exists:
			// Its job ends by itself if the container stays ended.
		case m.job != nil && !runs:
			m.job.cancel(ErrGone)
		case m.job == nil && !exists:
			delete(g.marks, key)
		}
	}
	g.report()
}

// Takes reports whether a container with an ID takes files, as far as is known.
func (g *Group) Takes(id string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.ContainsFunc(g.members, func(members []Member) bool {
		return slices.ContainsFunc(members, func(m Member) bool { return m.ID == id && m.State == MemberRunning })
	})
}

// Close ends the live updates and the reports, and waits.
func (g *Group) Close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.cancel()
	g.wait.Wait()
}

// report tells the states if they have changed. The caller holds mu.
func (g *Group) report() {
	if !g.known || g.closed || g.request.ReportLive == nil || len(g.request.LiveUpdates) == 0 ||
		len(g.members) != len(g.request.LiveUpdates) {
		return
	}
	states := make([]engine.LiveState, len(g.request.LiveUpdates))
	for i := range states {
		states[i] = g.state(&g.request.LiveUpdates[i], g.members[i])
	}
	if g.reported == nil || !slices.Equal(g.reported, states) {
		g.reported = states
		g.request.ReportLive(slices.Clone(states))
	}
}

// state is how the containers of a live update are.
func (g *Group) state(u *model.LiveUpdate, members []Member) engine.LiveState {
	var running, waiting, lacking bool
	var crashing, stopped *Member
	for i := range members {
		m := &members[i]
		mark := g.marks[markKey{identityOf(u), m.ID}]
		switch {
		case m.State == MemberRunning:
			running = true
			lacking = lacking || g.lacks(u, mark)
		case m.State == MemberWaiting || mark.restarts():
			waiting = true
		case m.State == MemberCrashing:
			crashing = m
		case m.State == MemberStopped:
			stopped = m
		}
	}
	switch {
	case crashing != nil:
		return engine.LiveState{
			Phase: engine.LiveFailed, Reason: crashing.Reason, Message: crashing.Message, Lacking: lacking,
		}
	case running:
		return engine.LiveState{Phase: engine.LiveReady, Lacking: lacking}
	case waiting:
		return engine.LiveState{Phase: engine.LiveWaiting}
	case stopped != nil:
		return engine.LiveState{Phase: engine.LiveFailed, Reason: stopped.Reason, Message: stopped.Message}
	case !g.settled:
		return engine.LiveState{Phase: engine.LiveWaiting}
	}
	return engine.LiveState{Phase: engine.LiveAbsent}
}

// lacks reports whether a running container should get files that it wasn't tried to bring. The mark may be nil.
func (g *Group) lacks(u *model.LiveUpdate, m *mark) bool {
	if m == nil {
		m = &mark{}
	}
	return m.job == nil && (m.again || m.tried < g.latest[identityOf(u)] || u.InitialSync && !m.initialTried)
}
