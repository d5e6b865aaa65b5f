// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package lease registers a process as a Runner, renews its record, and says how long its claims are good.
//
// No two machines have to agree on the time. A Runner counts from before it sent its last successful renewal, on a
// clock that can't be set and that goes on while the machine is suspended: when the lease less an allowance has passed,
// its claims are lost, and it has to have ended its runs. Others count from when they have last seen the renewTime of
// the record change, on a clock of their own: they take a Runner for lost when the lease plus the allowance has passed.
// They see a renewal after it was sent, so a Runner always gives up at least two allowances before others do.
//
// A record is of one incarnation of a process. A process that has lost its claims, or starts again, registers anew: its
// record has another UID, and claims under the old one are those of a lost Runner. A process that finds a record of its
// name and user replaces it; the process that this one was of, if it still runs, loses its claims.
package lease

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	client "tilt.dev/session/pkg/generated/clientset/versioned/typed/core/v1alpha1"
)

// ErrReplaced is the loss of a lease because another process has registered under the same name.
var ErrReplaced = errors.New("another process has registered as this runner")

const (
	// Of a lease, the allowance is a fifth. It covers what a Runner needs to end its runs, and clocks of different speed.
	allowanceShare = 5
	// A lease is renewed three times, and a failed renewal is repeated fifteen times, while it lasts.
	renewShare = 3
	retryShare = 15
	// look bounds the time between two looks at the clock, because timers stand still while the machine is suspended.
	look = time.Second
)

// Patience is how long others see no change of the renewTime of a Runner before they take it for lost.
func Patience(seconds int32) time.Duration {
	duration := time.Duration(seconds) * time.Second
	return duration + duration/allowanceShare
}

// Options configure a Lease. All are required.
type Options struct {
	Client client.RunnerInterface
	// Record has the name, the labels and the spec of the Runner.
	Record *v1alpha1.Runner
	// Status is what a renewal says beside its time. It doesn't block.
	Status func() v1alpha1.RunnerStatus
	// Extended is called with the uptime until which the claims are good. It doesn't block for long.
	Extended func(until time.Duration)
	// Uptime is the clock of the Runner.
	Uptime func() time.Duration
}

// Lease is that of one incarnation of a Runner. It is safe for concurrent use.
type Lease struct {
	options  Options
	duration time.Duration
	claim    v1alpha1.SessionRunner
	soon     chan struct{}
	done     chan struct{}

	// created is the record as it was created, record what is stored, as far as Run knows.
	created, record *v1alpha1.Runner

	mu       sync.Mutex
	deadline time.Duration
	lost     error
}

// Register creates the record. It replaces one of the same name, which only the same user can.
func Register(ctx context.Context, options Options) (*Lease, error) {
	for {
		sent := options.Uptime()
		created, err := options.Client.Create(ctx, options.Record.DeepCopy(), metav1.CreateOptions{})
		switch {
		case err == nil:
			return newLease(options, created, sent), nil
		case !apierrors.IsAlreadyExists(err):
			return nil, fmt.Errorf("register runner %q: %w", options.Record.Name, err)
		}
		stored, err := options.Client.Get(ctx, options.Record.Name, metav1.GetOptions{})
		if err == nil {
			err = remove(ctx, options.Client, stored)
		}
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			return nil, fmt.Errorf("replace the earlier record of runner %q: %w", options.Record.Name, err)
		}
	}
}

func remove(ctx context.Context, runners client.RunnerInterface, record *v1alpha1.Runner) error {
	return runners.Delete(ctx, record.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &record.UID}})
}

func newLease(options Options, record *v1alpha1.Runner, sent time.Duration) *Lease {
	l := &Lease{
		options:  options,
		duration: time.Duration(record.Spec.LeaseDurationSeconds) * time.Second,
		claim: v1alpha1.SessionRunner{
			Name: record.Name, UID: record.UID, LeaseDurationSeconds: record.Spec.LeaseDurationSeconds,
		},
		soon: make(chan struct{}, 1), done: make(chan struct{}), created: record, record: record,
	}
	l.extend(sent)
	return l
}

// Claim is the claim of this incarnation to a Session, made now.
func (l *Lease) Claim() v1alpha1.SessionRunner {
	claim := l.claim
	claim.ClaimTime = metav1.NowMicro()
	return claim
}

// Record is the record as it was created. It must not be changed.
func (l *Lease) Record() *v1alpha1.Runner { return l.created }

// Lost returns why the claims are not good any more, nil while they are. A loss is final.
func (l *Lease) Lost() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost == nil && l.options.Uptime() >= l.deadline {
		l.end(fmt.Errorf("the record of runner %q could not be renewed in time", l.claim.Name))
	}
	return l.lost
}

// Done is closed when the claims are lost.
func (l *Lease) Done() <-chan struct{} { return l.done }

// end notes the loss. The caller holds mu.
func (l *Lease) end(err error) {
	if l.lost == nil {
		l.lost = err
		close(l.done)
	}
}

// extend notes a renewal that was sent at an uptime. One that is answered too late doesn't count.
func (l *Lease) extend(sent time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	until := sent + l.duration - l.duration/allowanceShare
	if l.lost == nil && (l.deadline == 0 || l.options.Uptime() < l.deadline) {
		l.deadline = until
		l.options.Extended(until)
	}
}

// Soon has the record renewed at once, because what Status returns has changed. It doesn't block.
func (l *Lease) Soon() {
	select {
	case l.soon <- struct{}{}:
	default:
	}
}

// Run renews the record until ctx is done or the claims are lost.
func (l *Lease) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	next := l.options.Uptime()
	for l.Lost() == nil {
		if now := l.options.Uptime(); now >= next {
			next = now + l.duration/renewShare
			if err := l.renew(ctx); err != nil {
				klog.FromContext(ctx).Error(err, "The record of this runner wasn't renewed", "runner", l.claim.Name)
				next = l.options.Uptime() + l.duration/retryShare
			}
		}
		timer.Reset(min(max(next-l.options.Uptime(), 0), look))
		select {
		case <-timer.C:
		case <-l.soon:
			next = 0
		case <-l.done:
		case <-ctx.Done():
			return
		}
	}
}

// renew renews the record once.
func (l *Lease) renew(ctx context.Context) error {
	l.mu.Lock()
	left := l.deadline - l.options.Uptime()
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, min(left, l.duration/renewShare))
	defer cancel()
	renewed := l.record.DeepCopy()
	renewed.Status = l.options.Status()
	now := metav1.NowMicro()
	renewed.Status.RenewTime = &now
	sent := l.options.Uptime()
	stored, err := l.options.Client.UpdateStatus(ctx, renewed, metav1.UpdateOptions{})
	switch {
	case err == nil:
		l.record = stored
		l.extend(sent)
		return nil
	case apierrors.IsNotFound(err), apierrors.IsConflict(err):
		return errors.Join(err, l.reread(ctx))
	}
	return err
}

// reread asks what is stored in place of what this process knows.
func (l *Lease) reread(ctx context.Context) error {
	stored, err := l.options.Client.Get(ctx, l.claim.Name, metav1.GetOptions{})
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case apierrors.IsNotFound(err):
		l.end(fmt.Errorf("the record of runner %q was deleted", l.claim.Name))
	case err != nil:
		return err
	case stored.UID != l.claim.UID:
		l.end(fmt.Errorf("runner %q: %w", l.claim.Name, ErrReplaced))
	default:
		l.record = stored
	}
	return nil
}

// Release deletes the record, once nothing is left that was claimed.
func (l *Lease) Release(ctx context.Context) error {
	err := remove(ctx, l.options.Client, l.created)
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("delete the record of runner %q: %w", l.claim.Name, err)
	}
	return nil
}
