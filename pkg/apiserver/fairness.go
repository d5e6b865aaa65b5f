// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/util/flowcontrol"
	"k8s.io/apiserver/pkg/util/flowcontrol/request"
	"k8s.io/client-go/informers"
)

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

// countedSessions makes upstream count the Sessions in a storage. Priority and fairness
// estimates the cost of a LIST from their number.
type countedSessions struct {
	generic.RESTOptionsGetter
	tracker request.StorageObjectCountTracker
}

// GetRESTOptions implements generic.RESTOptionsGetter.
func (c countedSessions) GetRESTOptions(r schema.GroupResource, example runtime.Object) (generic.RESTOptions, error) {
	options, err := c.RESTOptionsGetter.GetRESTOptions(r, example)
	options.StorageObjectCountTracker, options.CountMetricPollPeriod = c.tracker, time.Minute
	return options, err
}
