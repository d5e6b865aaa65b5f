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
	// SetFailFast tells whether nothing new is to be started after a failure.
	// It may be called before Run as well, and doesn't block.
	SetFailFast(bool)
	// SetTiltfile has the Tiltfile at an absolute path run in place of the one so
	// far. When it has returned, snapshots of the new path follow.
	SetTiltfile(ctx context.Context, path string) error
	// CatchUp returns when Snapshot shows every end of a process that has come
	// before the call.
	CatchUp(ctx context.Context) error
	Requests
}

var _ Run = (*engine.Engine)(nil)

// run is a Session that's being run. The worker that holds its name has it to
// itself, the backlog excepted.
type run struct {
	name    string
	backlog backlog
	control Run
	// uid is that of the Session as it was when the run was prepared.
	uid types.UID

	// session is the newest stored Session that's known.
	session *v1alpha1.Session
	// missing is true while the Session isn't stored because it was deleted.
	missing bool
	// outlives is true if it goes on then.
	outlives bool
	// unstored is the status that follows the one that the Session was deleted
	// with, nil once it's stored. It's what knows since when conditions hold.
	unstored *v1alpha1.SessionStatus
	// tiltfile is the absolute path of the Tiltfile that's run.
	tiltfile string
	// evaluations is how many evaluations of the Tiltfile have been published.
	evaluations int
	failFast    bool
	// failing is true since a write failed that wasn't of something outdated,
	// superseded counts those in a row that were.
	failing    bool
	superseded int
	// limit is how many bytes of status the storage takes, as far as it has refused
	// more, else 0. refused is the snapshot whose status it never takes.
	limit   int
	refused *engine.Snapshot
	// verdict is what the run has come to, nil before. It's final.
	verdict *verdict
	// grace is until when time doesn't lead to a verdict, graces how often there
	// was one.
	grace  time.Time
	graces int
	// next is when the passing of time may change the status, zero if it can't.
	next time.Time
	pace pace
	// done is true when the verdict is stored, or when it has waited for that for
	// long enough; delivered when Done was called.
	done, delivered bool

	// What follows is of a Durable Controller. args are those that the run
	// follows, and refusal is what's wrong with
	// the Session as it is now.
	args    []string
	refusal refusal
	// stop ends the run, ending is true when it was called. Once over is
	// closed nothing is left of the run, and err is what went wrong with it.
	stop   context.CancelFunc
	ending bool
	over   chan struct{}
	err    error
}

// runs are the runs of a Controller, each with a goroutine of its own.
type runs struct {
	// running is told of each of them while it lasts.
	running *Running
	// over is called, by the run's goroutine, when one has ended. Without
	// an error it was told to.
	over func(*run, error)

	mu     sync.Mutex
	byName map[string]*run
	errs   []error
	group  sync.WaitGroup
}

// get is the run of a Session, nil if it has none.
func (rs *runs) get(name string) *run {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.byName[name]
}

// all are the runs in no order.
func (rs *runs) all() []*run {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return slices.Collect(maps.Values(rs.byName))
}

// start executes r until ctx is done or r is stopped.
func (rs *runs) start(ctx context.Context, r *run) {
	ctx, r.stop = context.WithCancel(ctx)
	rs.mu.Lock()
	rs.byName[r.name] = r
	rs.mu.Unlock()
	rs.running.add(r.name, entry{r.control, r.outlives})
	runningMetric.Inc()
	rs.group.Go(func() {
		err := r.control.Run(ctx)
		if err == nil && ctx.Err() == nil {
			err = errors.New("it ended by itself")
		}
		r.stop()
		rs.running.end(r.name)
		rs.over(r, err)
	})
}

// note keeps the error of a run for wait.
func (rs *runs) note(r *run, err error) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.errs = append(rs.errs, fmt.Errorf("running Session %q: %w", r.name, err))
}

// remove forgets a run that's over.
func (rs *runs) remove(r *run) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	delete(rs.byName, r.name)
	forgetMetrics(r.name, r.done)
}

// wait returns the errors of the runs when all have ended.
func (rs *runs) wait() []error {
	rs.group.Wait()
	for _, r := range rs.all() {
		forgetMetrics(r.name, r.done)
	}
	return rs.errs
}

// start begins to run a Session if that's wanted.
func (c *Controller) start(ctx context.Context, stored *v1alpha1.Session) error {
	if stored.Status.Done || stored.DeletionTimestamp != nil || !c.config.Runs(stored) {
		return nil
	}
	r, err := c.prepare(stored)
	if err != nil {
		return err
	}
	klog.FromContext(ctx).V(2).Info("Starting to run Session", "session", stored.Name)
	c.runs.start(ctx, r)
	return nil
}

// prepare returns the run of a Session, which hasn't begun.
func (c *Controller) prepare(stored *v1alpha1.Session) (*run, error) {
	path, err := filepath.Abs(stored.Spec.TiltfilePath)
	if err != nil {
		return nil, fmt.Errorf("locating the Tiltfile: %w", err)
	}
	r := &run{
		name:     stored.Name,
		uid:      stored.UID,
		session:  stored,
		tiltfile: path,
		failFast: session.FailFast(stored),
		args:     stored.Spec.Args,
		over:     make(chan struct{}),
		outlives: !c.config.Durable,
	}
	located := stored.DeepCopy()
	located.Spec.TiltfilePath = path
	r.control = c.config.NewRun(located, func(snap *engine.Snapshot) {
		r.backlog.push(snap)
		c.queue.Add(r.name)
	})
	return r, nil
}

// runIsOver is called when a run has ended. Too early is the end of all.
func (c *Controller) runIsOver(end context.CancelFunc) func(*run, error) {
	return func(r *run, err error) {
		if err != nil {
			c.runs.note(r, err)
			end()
		}
	}
}

// follow applies the spec to the run.
func (r *run) follow(ctx context.Context) error {
	if want := session.FailFast(r.session); want != r.failFast {
		r.control.SetFailFast(want)
		r.failFast = want
	}
	path, err := filepath.Abs(r.session.Spec.TiltfilePath)
	if err != nil {
		return fmt.Errorf("locating the Tiltfile: %w", err)
	}
	if path != r.tiltfile {
		if err := r.control.SetTiltfile(ctx, path); err != nil {
			return fmt.Errorf("changing the Tiltfile to %s: %w", path, err)
		}
		r.tiltfile = path
	}
	return nil
}
