// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package housekeeper does what no Runner can for the Sessions of an API: it says why a Session isn't claimed, ends
// those of lost Runners, releases deleted ones, and deletes the expired.
//
// A Runner is lost when its renewTime hasn't changed for longer than lease.Patience, or its record has been missing for
// that long, as the housekeeper has seen it by its own clock. Watches may lag, so it reads the record once more from
// the storage before it acts. Of a lost Runner
//
//   - a ci Session that has begun has failed, and says which Runner was lost;
//   - every other Session loses its claim, and may be claimed again;
//   - a deleted Session loses its finalizer.
//
// Each write requires the resourceVersion that was read, so several housekeepers at a time do no harm. One is elected
// in order to spare the storage.
package housekeeper

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/generated/clientset/versioned"
	clientv1alpha1 "tilt.dev/session/pkg/generated/clientset/versioned/typed/core/v1alpha1"
	"tilt.dev/session/pkg/generated/informers/externalversions"
	listers "tilt.dev/session/pkg/generated/listers/core/v1alpha1"
)

const (
	// fieldManager is the manager of the writes in managedFields.
	fieldManager = "tilt-session-housekeeper"
	// period is the time between two rounds.
	period = time.Second
	// settling is how long a Session is unclaimed before its status says why: most are claimed sooner.
	settling = 2 * time.Second
	// maxWrites bounds the conditions that are written in a round.
	maxWrites = 100
	// requestTimeout bounds a request.
	requestTimeout = 10 * time.Second
	// orphaned is how long a Session without a claim may have the finalizer: by then every Runner has ended its runs.
	orphaned = 6 * time.Minute
	// forgetting is how long the record of a lost Runner is kept.
	forgetting = 10 * time.Minute
)

// Config configures a Housekeeper. ClientConfig is required.
type Config struct {
	// ClientConfig is the way to the API server, as a user who may do everything with Sessions and Runners.
	ClientConfig *rest.Config
	// Elect calls lead while this process is elected, and ends its context when it no longer is. It returns when ctx is
	// done. Without it, the process is always elected.
	Elect func(ctx context.Context, lead func(context.Context)) error
	// Clock is the real clock by default.
	Clock clock.WithTicker
}

// Housekeeper does what the package describes.
type Housekeeper struct {
	config Config
	set    versioned.Interface
	client clientv1alpha1.TiltV1alpha1Interface

	// What follows is that of the round, which one goroutine makes.
	sessions listers.SessionLister
	runners  listers.RunnerLister
	seen     map[types.UID]observation
	// unclaimed is since when a Session is seen to be unclaimed.
	unclaimed map[types.UID]time.Time
}

// New returns a Housekeeper, which does nothing before Run.
func New(config Config) (*Housekeeper, error) {
	limitless := rest.CopyConfig(config.ClientConfig)
	limitless.QPS = -1
	client, err := versioned.NewForConfig(limitless)
	if err != nil {
		return nil, fmt.Errorf("create the client of the housekeeper: %w", err)
	}
	if config.Clock == nil {
		config.Clock = clock.RealClock{}
	}
	if config.Elect == nil {
		config.Elect = func(ctx context.Context, lead func(context.Context)) error { lead(ctx); return nil }
	}
	return &Housekeeper{config: config, set: client, client: client.TiltV1alpha1()}, nil
}

// Run does that until ctx is done.
func (h *Housekeeper) Run(ctx context.Context) error {
	ctx = klog.NewContext(ctx, klog.LoggerWithName(klog.FromContext(ctx), "housekeeper"))
	return h.config.Elect(ctx, h.lead)
}

// lead makes rounds until ctx is done.
func (h *Housekeeper) lead(ctx context.Context) {
	klog.FromContext(ctx).V(2).Info("Elected as the housekeeper")
	h.seen, h.unclaimed = map[types.UID]observation{}, map[types.UID]time.Time{}
	factory := externalversions.NewSharedInformerFactoryWithOptions(h.set, 0, externalversions.WithTransform(trim))
	h.sessions = factory.Tilt().V1alpha1().Sessions().Lister()
	h.runners = factory.Tilt().V1alpha1().Runners().Lister()
	factory.Tilt().V1alpha1().Sessions().Informer()
	factory.Tilt().V1alpha1().Runners().Informer()
	factory.StartWithContext(ctx)
	defer factory.Shutdown()
	for _, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return
		}
	}
	ticker := h.config.Clock.NewTicker(period)
	defer ticker.Stop()
	for {
		if err := h.round(ctx); err != nil && ctx.Err() == nil {
			klog.FromContext(ctx).Error(err, "Housekeeping is behind")
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C():
		}
	}
}

// trim drops what the housekeeper doesn't need.
func trim(obj any) (any, error) {
	if s, ok := obj.(*v1alpha1.Session); ok {
		s.ManagedFields = nil
		if s.Status.Done {
			s.Status.Targets = nil
		}
	}
	return obj, nil
}

// round looks at every Runner and every Session once.
func (h *Housekeeper) round(ctx context.Context) error {
	sessions, err := h.sessions.List(labels.Everything())
	if err != nil {
		return err
	}
	runners, err := h.runners.List(labels.Everything())
	if err != nil {
		return err
	}
	now := h.config.Clock.Now()
	h.observe(runners, sessions, now)
	lost := h.lostRunners(ctx, now)
	errs := h.forgetRecords(ctx, runners, now)
	present := map[types.UID]time.Time{}
	writes := 0
	for _, s := range sessions {
		var err error
		switch claim := s.Status.Runner; {
		case claim != nil && lost[claim.UID] != "":
			err = h.endOf(ctx, s, lost[claim.UID], now)
		case claim == nil && s.DeletionTimestamp != nil:
			err = h.release(ctx, s)
		case s.Status.Done:
			err = h.expire(ctx, s, now)
		case claim == nil && s.DeletionTimestamp == nil:
			since, known := h.unclaimed[s.UID]
			if !known {
				since = now
			}
			present[s.UID] = since
			if held(s) && now.Sub(since) > orphaned {
				err = h.release(ctx, s)
				break
			}
			if now.Sub(since) >= settling && writes < maxWrites {
				var wrote bool
				wrote, err = h.explain(ctx, s, runners, lost, now)
				if wrote {
					writes++
				}
			}
		}
		if err != nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("session %q: %w", s.Name, err))
			if len(errs) > 3 {
				break // The storage is away, probably.
			}
		}
	}
	h.unclaimed = present
	return errors.Join(errs...)
}

// writeStatus replaces the status of a Session as long as it is stored as s.
func (h *Housekeeper) writeStatus(ctx context.Context, s *v1alpha1.Session, status v1alpha1.SessionStatus) error {
	if equality.Semantic.DeepEqual(status, s.Status) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	changed := *s
	changed.Status = status
	_, err := h.client.Sessions().UpdateStatus(ctx, &changed, metav1.UpdateOptions{FieldManager: fieldManager})
	return err
}
