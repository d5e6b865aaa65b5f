// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/util/flowcontrol"
	"k8s.io/client-go/informers"
	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// countPeriod is how often Sessions are counted, which is how much a list of them
// is expected to cost.
const countPeriod = time.Minute

// limit sets up how much requests may take. The informers of priority and fairness
// are started by the server, and its readiness waits for them.
func (c *Config) limit() error {
	options := &c.options.Requests
	c.generic.MaxRequestsInFlight = options.MaxInFlight
	c.generic.MaxMutatingRequestsInFlight = options.MaxMutatingInFlight
	c.generic.RequestTimeout = options.Timeout
	if !options.PriorityAndFairness {
		c.dropHousekeeping()
		return nil
	}
	// Its watches last longer than an answer about a user may take.
	core, err := c.coreClient("--authorization-kubeconfig", c.options.Authorization.Kubeconfig, 0)
	if err != nil {
		return err
	}
	if core == nil {
		c.dropHousekeeping()
		return nil
	}
	total := options.MaxInFlight + options.MaxMutatingInFlight
	if total == 0 {
		return errors.New("--enable-priority-and-fairness: there's nothing to share out while --max-requests-inflight and --max-mutating-requests-inflight are 0")
	}
	c.informers = informers.NewSharedInformerFactory(core, 0)
	c.generic.FlowControl = flowcontrol.New(c.informers, core.FlowcontrolV1(), total)
	return nil
}

// dropHousekeeping leaves out what only matters with priority and fairness. It
// would count as unfinished for a moment after the server has become ready.
func (c *Config) dropHousekeeping() {
	c.generic.StorageObjectCountTracker = nil
	c.generic.DisabledPostStartHooks.Insert("max-in-flight-filter")
}

// countSessions tells priority and fairness how many Sessions there are, until ctx
// is done.
func (s *Server) countSessions(ctx context.Context) {
	select {
	case <-s.ready:
	case <-ctx.Done():
		return
	}
	tracker, resource := s.config.generic.StorageObjectCountTracker, v1alpha1.Resource("sessions").String()
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		stats, err := s.sessions.Storage.Stats(ctx)
		if err != nil {
			klog.FromContext(ctx).V(1).Info("Sessions cannot be counted", "reason", err.Error())
			return
		}
		tracker.Set(resource, stats)
	}, countPeriod)
}
