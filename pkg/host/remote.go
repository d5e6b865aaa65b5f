// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/controller"
	"tilt.dev/session/pkg/generated/clientset/versioned"
	client "tilt.dev/session/pkg/generated/clientset/versioned/typed/core/v1alpha1"
	"tilt.dev/session/pkg/lease"
	"tilt.dev/session/pkg/process"
)

const (
	// registerTimeout bounds an attempt to register, registerPause is the time between two of them.
	registerTimeout = 10 * time.Second
	registerPause   = 2 * time.Second
	// releaseTimeout bounds the removal of the record at the end.
	releaseTimeout = 5 * time.Second
)

// Remote runs Sessions of an API elsewhere that it claims, as a Runner of that API.
type Remote struct {
	// ClientConfig is the way to the API.
	ClientConfig *rest.Config
	// Record has the name, the labels and the spec of the Runner.
	Record *v1alpha1.Runner
	// Options say how Sessions are run. Only has no effect, and MaxRunning is the capacity of the record.
	Options RunnerOptions
	// Registered is called each time that the Runner has registered.
	Registered func()
	// Warn receives errors that don't end the process. It's called from several goroutines.
	Warn func(error)

	// now is the current incarnation, nil between two of them.
	now      atomic.Pointer[incarnation]
	draining atomic.Bool

	mu sync.Mutex
	// hurry, once closed, ends the process at once.
	hurry chan struct{}
}

// incarnation is a Runner from its registration until it ends or loses its claims.
type incarnation struct {
	*Runner
	lease *lease.Lease
}

// Part runs Sessions until it is stopped. Then it finishes those that end by themselves, and hands the others over.
func (r *Remote) Part() Part {
	r.hurry = make(chan struct{})
	return Part{
		Name: "runner", Run: r.run, Hurry: r.end,
		Patience: "Waiting until the Sessions that end by themselves are done; another signal interrupts them.",
	}
}

// end ends the process at once.
func (r *Remote) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.hurry:
	default:
		close(r.hurry)
	}
	if now := r.now.Load(); now != nil {
		now.kill()
	}
}

// run registers, and again each time that the claims are lost, until ctx is done.
func (r *Remote) run(ctx context.Context, ready func()) error {
	set, err := versioned.NewForConfig(r.limitless())
	if err != nil {
		return apiError("make a client: %w", err)
	}
	ready()
	for ctx.Err() == nil {
		err := r.incarnate(ctx, set.TiltV1alpha1().Runners())
		var answered apierrors.APIStatus
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil, errors.Is(err, lease.ErrReplaced):
			return err
		case errors.As(err, &answered) && isRefusal(answered.Status().Code):
			return apiError("%w", r.explain(err, answered.Status().Code))
		}
		r.Warn(err)
		select {
		case <-ctx.Done():
		case <-time.After(registerPause):
		}
	}
	return nil
}

// isRefusal reports whether a server would answer the same to another attempt.
func isRefusal(code int32) bool {
	return slices.Contains([]int32{400, 401, 403, 404, 405, 422}, code)
}

func (r *Remote) explain(err error, code int32) error {
	if code == 404 {
		return fmt.Errorf("%w (a server that runs its Sessions itself takes no runners)", err)
	}
	return err
}

// limitless is the way to the API without a limit of the rate. It speaks HTTP/1.1, of which a request that is given up
// closes its connection: the next one doesn't wait for a server that is gone.
func (r *Remote) limitless() *rest.Config {
	config := rest.CopyConfig(r.ClientConfig)
	config.QPS = -1
	config.NextProtos = []string{"http/1.1"}
	return config
}

// incarnate registers and runs Sessions until ctx is done, when it returns nil, or the claims are lost.
func (r *Remote) incarnate(ctx context.Context, runners client.RunnerInterface) (err error) {
	lasting := context.WithoutCancel(ctx)
	inner := &Runner{options: r.Options, table: controller.NewRunning()}
	inner.table.Many = true
	inner.killed, inner.kill = context.WithCancel(lasting)
	defer inner.kill()
	current := &incarnation{Runner: inner}
	registering, cancel := context.WithTimeout(ctx, registerTimeout)
	var until time.Duration
	extended := func(later time.Duration) {
		until = later
		if inner.engines != nil {
			inner.engines.processes.SetDeadline(later)
		}
	}
	current.lease, err = lease.Register(registering, lease.Options{
		Client: runners, Record: r.Record, Uptime: process.Uptime, Extended: extended,
		Status: func() v1alpha1.RunnerStatus {
			return v1alpha1.RunnerStatus{Running: int32(inner.table.Active()), Draining: r.draining.Load()}
		},
	})
	cancel()
	if err != nil && ctx.Err() != nil {
		return nil // The process ends before it has registered.
	}
	if err != nil {
		return err
	}
	// Nothing is renewed before serve.
	if inner.engines, err = newEngines(r.Options.Engines, r.Warn); err != nil {
		return fmt.Errorf("prepare to run commands: %w", err)
	}
	inner.engines.processes.SetDeadline(until)
	defer func() {
		if err := inner.engines.close(); err != nil {
			r.Warn(err)
		}
	}()
	inner.engines.commands = slices.Concat(inner.engines.commands, r.surroundings())
	inner.controller, err = controller.New(controller.Config{
		ClientConfig: r.limitless(),
		Runs:         r.selected,
		NewRun:       inner.newRun,
		Running:      inner.table,
		Finished:     inner.ended,
		MaxRunning:   int(r.Record.Spec.Capacity),
		Claims:       current.lease,
	})
	if err != nil {
		return err
	}
	return r.serve(ctx, current)
}

// serve runs Sessions until ctx is done or the claims are lost. Nothing is left of any run when it returns.
func (r *Remote) serve(ctx context.Context, current *incarnation) error {
	lasting := context.WithoutCancel(ctx)
	renewing, stopRenewing := context.WithCancel(lasting)
	controlling, stopControlling := context.WithCancel(lasting)
	var renewed sync.WaitGroup
	renewed.Go(func() { current.lease.Run(renewing) })
	ended := make(chan error, 1)
	go func() { ended <- current.controller.Run(controlling) }()
	r.now.Store(current)
	r.Registered()

	var err error
	select {
	case <-ctx.Done():
		r.draining.Store(true)
		current.lease.Soon()
		r.drain(lasting, current)
	case <-current.lease.Done():
		// Whatever is running now has to be gone before another process may begin with it.
		current.kill()
	case err = <-ended:
		ended <- fmt.Errorf("the controller has ended: %w", err)
	}
	stopControlling()
	err = <-ended
	r.now.Store(nil)
	stopRenewing()
	renewed.Wait()
	if lost := current.lease.Lost(); lost != nil {
		return errors.Join(fmt.Errorf("the claims to all Sessions are lost, and their runs have ended: %w", lost), err)
	}
	releasing, cancel := context.WithTimeout(lasting, releaseTimeout)
	defer cancel()
	return errors.Join(err, current.lease.Release(releasing))
}

// drain waits until the Sessions that end by themselves have ended, the claims are lost, or the process is to end at
// once.
func (r *Remote) drain(ctx context.Context, current *incarnation) {
	draining, cancel := context.WithCancel(ctx)
	defer cancel()
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-r.hurry:
		case <-current.lease.Done():
			current.kill()
		case <-draining.Done():
		}
		cancel()
	})
	current.controller.Drain(draining)
	cancel()
	watching.Wait()
}

// selected reports whether the selector of a Session selects this Runner.
func (r *Remote) selected(s *v1alpha1.Session) bool {
	for key, value := range s.Spec.RunnerSelector {
		if got, ok := r.Record.Labels[key]; !ok || got != value {
			return false
		}
	}
	return true
}

// surroundings are environment variables that describe where a command runs.
func (r *Remote) surroundings() []string {
	host, port := "", 0
	if address, err := url.Parse(r.ClientConfig.Host); err == nil {
		host = address.Hostname()
		if number, err := portOf(r.ClientConfig.Host); err == nil {
			port = number
		}
	}
	return slices.Concat(surroundings(host, port), r.Options.Environ)
}

// Ready returns nil while the Runner is registered and takes Sessions.
func (r *Remote) Ready(ctx context.Context) error {
	now := r.now.Load()
	switch {
	case now == nil:
		return errors.New("the runner isn't registered")
	case r.draining.Load():
		return errors.New("the runner is draining")
	}
	return errors.Join(now.lease.Lost(), now.controller.InformersSynced(ctx), now.controller.Working(ctx))
}
