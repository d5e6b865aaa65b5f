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

// countPeriod is how often Sessions are counted. Priority and fairness estimates the
// cost of a LIST from their number.
const countPeriod = time.Minute

// limitRequests configures the limits of requests. The server starts the informers of
// priority and fairness, and its readiness waits for them.
func (c *Config) limitRequests() error {
	options := &c.options.Requests
	c.generic.MaxRequestsInFlight = options.MaxRequestsInFlight
	c.generic.MaxMutatingRequestsInFlight = options.MaxMutatingRequestsInFlight
	c.generic.RequestTimeout = options.RequestTimeout
	if c.options.PriorityAndFairness {
		// Its watches last longer than an authorization may take.
		core, err := c.coreClient("--authorization-kubeconfig", c.options.Authorization.RemoteKubeConfigFile, 0)
		if err != nil {
			return err
		}
		if core != nil {
			total := options.MaxRequestsInFlight + options.MaxMutatingRequestsInFlight
			if total == 0 {
				return errors.New("--enable-priority-and-fairness requires a positive --max-requests-inflight " +
					"or --max-mutating-requests-inflight")
			}
			c.informers = informers.NewSharedInformerFactory(core, 0)
			c.generic.FlowControl = flowcontrol.New(c.informers, core.FlowcontrolV1(), total)
			return nil
		}
	}
	// Without priority and fairness this has no use, and its hook would still be
	// unfinished for a moment after the server is ready.
	c.generic.StorageObjectCountTracker = nil
	c.generic.DisabledPostStartHooks.Insert("max-in-flight-filter")
	return nil
}

// countSessions reports the number of Sessions to priority and fairness until ctx is
// done.
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
			klog.FromContext(ctx).V(1).Info("Cannot count Sessions", "reason", err.Error())
			return
		}
		tracker.Set(resource, stats)
	}, countPeriod)
}
