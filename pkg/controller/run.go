// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/session"
)

// Run is the execution of one Session.
type Run interface {
	// Run executes until ctx is done, and returns when nothing of it is left.
	Run(ctx context.Context) error
	// SetFailFast sets whether nothing new starts after a failure. It may be called before Run, and does not block.
	SetFailFast(bool)
	// SetTiltfile replaces the Tiltfile by the one at an absolute path. Once it has returned, snapshots of the new
	// path follow.
	SetTiltfile(ctx context.Context, path string) error
	// SetArgs replaces the arguments of the Tiltfile, which is evaluated again if they have changed.
	SetArgs(ctx context.Context, args []string) (changed bool, err error)
	// CatchUp returns when Snapshot shows every end of a process that happened before the call.
	CatchUp(ctx context.Context) error
	Requests
}

var _ Run = (*engine.Engine)(nil)

// run is a Session that runs. It belongs to the worker that reconciles its name, except for the backlog.
type run struct {
	name    string
	uid     types.UID
	control Run
	backlog backlog

	// session is the newest known state of the Session.
	session *v1alpha1.Session
	// tiltfile, args and failFast are what the run follows.
	tiltfile string
	args     []string
	failFast bool

	// next is when time alone may change the status, zero if it can't.
	next time.Time
	// limit is how many bytes of status the storage takes, if it has refused one as too large, else 0. refused is
	// the snapshot whose status it refuses for good.
	limit   int
	refused *engine.Snapshot
	// failing is true while writes fail, conflicts counts those in a row that failed because something newer is
	// stored.
	failing   bool
	conflicts int

	verdict *verdict
	// Time does not lead to a verdict before grace, graces counts these delays.
	grace  time.Time
	graces int
	// concluded is true when the verdict is stored, or has waited for that for long enough. delivered is closed
	// when watches have it, too.
	concluded bool
	delivered chan struct{}

	// ending is true when the end was reported and the run was canceled. Once over is closed nothing is left of the
	// run, and err is its error.
	ending bool
	// handedOver is true for a run that another process continues.
	handedOver bool
	cancel     context.CancelFunc
	over       chan struct{}
	err        error
}

func (c *Controller) newRun(stored *v1alpha1.Session) *run {
	located := stored.DeepCopy()
	located.Spec.TiltfilePath = filepath.Clean(stored.Spec.TiltfilePath)
	r := &run{
		name:      stored.Name,
		uid:       stored.UID,
		session:   stored,
		tiltfile:  located.Spec.TiltfilePath,
		args:      stored.Spec.Args,
		failFast:  session.FailFast(stored),
		delivered: make(chan struct{}),
		over:      make(chan struct{}),
	}
	r.control = c.config.NewRun(located, func(snap *engine.Snapshot) {
		r.backlog.push(snap)
		c.queue.Add(r.name)
		c.config.Running.changed()
	})
	return r
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// runs are the runs of a Controller, each with a goroutine of its own, which wait waits for. Methods may be called
// concurrently.
type runs struct {
	// ctx is the parent of the contexts of all runs.
	ctx     context.Context
	running *Running

	mu     sync.Mutex
	byName map[string]*run
	// unstarted has the UIDs of Sessions that are to run and have no run yet.
	unstarted map[types.UID]bool
	group     sync.WaitGroup
}

// get returns the run of a Session, nil if it has none.
func (rs *runs) get(name string) *run {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.byName[name]
}

// all returns the runs in no order.
func (rs *runs) all() []*run {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return slices.Collect(maps.Values(rs.byName))
}

// start executes r until it is canceled. It calls over when nothing of r is left.
func (rs *runs) start(r *run, over func()) {
	ctx, cancel := context.WithCancel(rs.ctx)
	r.cancel = cancel
	rs.mu.Lock()
	rs.byName[r.name] = r
	delete(rs.unstarted, r.uid)
	rs.mu.Unlock()
	rs.running.add(r.name, r.control)
	runningMetric.Inc()
	rs.group.Go(func() {
		defer cancel()
		r.err = r.control.Run(ctx)
		if r.err == nil && ctx.Err() == nil {
			r.err = errors.New("it ended by itself")
		}
		rs.running.end(r.name)
		close(r.over)
		over()
	})
}

// awaitStart notes a Session that is to run and has no run yet, so that its end is reported.
func (rs *runs) awaitStart(s *v1alpha1.Session) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if r := rs.byName[s.Name]; r == nil || r.uid != s.UID {
		rs.unstarted[s.UID] = true
	}
}

// forgetUnstarted forgets such a Session, and reports whether there was one.
func (rs *runs) forgetUnstarted(uid types.UID) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	known := rs.unstarted[uid]
	delete(rs.unstarted, uid)
	return known
}

// remove forgets a run that is over.
func (rs *runs) remove(r *run) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	delete(rs.byName, r.name)
	forgetMetrics(r.name, r.concluded)
	if r.err != nil {
		klog.FromContext(rs.ctx).Error(r.err, "The run of a Session has failed", "session", r.name, "uid", r.uid)
	}
}

// wait returns the errors of the runs when all have ended.
func (rs *runs) wait() (errs []error) {
	rs.group.Wait()
	for _, r := range rs.all() {
		forgetMetrics(r.name, r.concluded)
		if r.err != nil {
			errs = append(errs, fmt.Errorf("run Session %q: %w", r.name, r.err))
		}
	}
	return errs
}
