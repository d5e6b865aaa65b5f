// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package workload is the runtime of Kubernetes resources: it watches the objects that a deploy applied, and their
// pods, and reports how they are. It follows the logs of the pods and forwards ports to them.
//
// Watches are shared by the resources of a run, one for each kind and namespace. A connection that is lost comes back
// by itself; until then the last known state stands. A missing right leads to one line of the log; what it
// would show doesn't count. Nothing in the cluster is changed but the files of containers, by live updates.
package workload

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/kube/cluster"
	"tilt.dev/session/pkg/kube/deploy"
	"tilt.dev/session/pkg/liveupdate"
	"tilt.dev/session/pkg/model"
)

// Options are the options of a Runner.
type Options struct {
	// Connection opens the connection to the cluster of the run. It is called at the first runtime.
	Connection func() (*cluster.Connection, error)
	// Helper is the image of the ephemeral containers that bring a static BusyBox, as /bin/busybox, into containers
	// without tar. Its sh, cp, chmod, id, mkdir and su are used. Empty means liveupdate.DefaultHelper.
	Helper string
}

// Runner starts the runtimes of a run: each is a *model.Workload. It must be closed.
type Runner struct {
	options Options
	// began is from when on logs and events are shown, by the clock of this machine.
	began time.Time
	ctx   context.Context
	stop  context.CancelFunc

	mu       sync.Mutex
	closed   bool
	feeds    *feeds
	owners   *owners
	runtimes sync.WaitGroup
	// unhelped has why Equip has failed, so that it isn't waited for at each change.
	unhelped map[string]error
	// marked are the pods that were labelled for a live update.
	marked map[types.UID]bool

	clock sync.Once
	// since is began by the clock of the API server, valid after clock.
	since time.Time
}

var _ engine.Runner = (*Runner)(nil)

// New returns a Runner. Its runtimes show logs and events from now on.
func New(options Options) *Runner {
	ctx, stop := context.WithCancel(context.Background())
	return &Runner{options: options, began: time.Now(), ctx: ctx, stop: stop, unhelped: map[string]error{},
		marked: map[types.UID]bool{}}
}

// StartRuntime implements engine.Runner. The runtime never ends by itself.
func (r *Runner) StartRuntime(request engine.RuntimeRequest) (engine.Runtime, error) {
	spec, err := specOf(request)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errors.New("the run has ended")
	}
	if r.feeds == nil {
		connection, err := r.options.Connection()
		if err != nil {
			return nil, err
		}
		r.feeds = &feeds{connection: connection, ctx: r.ctx, open: map[feedKey]*feed{}}
		r.owners = &owners{connection: connection, known: map[types.UID]*owned{}}
	}
	ctx, stop := context.WithCancel(r.ctx)
	t := newActivity(ctx, r, spec, stop)
	r.runtimes.Go(func() { t.run(ctx) })
	return t, nil
}

// start returns from when on logs and events are shown, by the clock of the API server.
func (r *Runner) start(ctx context.Context) time.Time {
	r.clock.Do(func() { r.since = serverTime(ctx, r.feeds.connection, r.began) })
	return r.since
}

// helper is the image of ephemeral containers.
func (r *Runner) helper() string { return cmp.Or(r.options.Helper, liveupdate.DefaultHelper) }

// Close ends what is left, and waits for it.
func (r *Runner) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.stop()
	r.runtimes.Wait()
	if r.feeds != nil {
		r.feeds.wait.Wait()
	}
}

// spec is what a runtime follows.
type spec struct {
	engine.RuntimeRequest
	workload *model.Workload
	applied  *deploy.Applied
}

func specOf(request engine.RuntimeRequest) (spec, error) {
	workload, ok := request.Runtime.(*model.Workload)
	if !ok {
		return spec{}, fmt.Errorf("resource %q: the runtime %v isn't a workload", request.Task, request.Runtime)
	}
	s := spec{RuntimeRequest: request, workload: workload}
	switch applied := request.Output.(type) {
	case *deploy.Applied:
		s.applied = applied
	case deploy.Applied:
		s.applied = &applied
	case nil:
	default:
		return spec{}, fmt.Errorf("resource %q: the output %T isn't that of a deploy", request.Task, request.Output)
	}
	if s.applied == nil {
		s.applied = &deploy.Applied{}
	}
	return s, nil
}
