// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"time"

	"github.com/spf13/pflag"
)

// RequestOptions limit how much of the server requests may take.
type RequestOptions struct {
	// MaxInFlight and MaxMutatingInFlight are how many requests are handled at the
	// same time that read and that write, watches not counted. What is above is
	// refused as 429. Zero stands for any number.
	MaxInFlight, MaxMutatingInFlight int
	// PriorityAndFairness shares what both limits add up to among users as the
	// FlowSchemas and PriorityLevelConfigurations say that are kept by the core API
	// server of AuthorizationOptions. Without one it's of no effect.
	PriorityAndFairness bool
	// Timeout is how long a request is handled that isn't a watch.
	Timeout time.Duration
	// GoawayChance is how likely a request is to have its connection closed afterwards,
	// so that clients spread over several servers.
	GoawayChance float64
}

// maxGoawayChance keeps clients from spending their time on new connections.
const maxGoawayChance = 0.02

func newRequestOptions() RequestOptions {
	return RequestOptions{MaxInFlight: 400, MaxMutatingInFlight: 200, PriorityAndFairness: true, Timeout: time.Minute}
}

// AddFlags adds the flags, with what is set as their defaults.
func (o *RequestOptions) AddFlags(fs *pflag.FlagSet) {
	fs.IntVar(&o.MaxInFlight, "max-requests-inflight", o.MaxInFlight,
		"how many reading requests are handled at the same time, 0 for any number; with priority and fairness, both limits together are shared out")
	fs.IntVar(&o.MaxMutatingInFlight, "max-mutating-requests-inflight", o.MaxMutatingInFlight,
		"how many writing requests are handled at the same time, 0 for any number; with priority and fairness, both limits together are shared out")
	fs.BoolVar(&o.PriorityAndFairness, "enable-priority-and-fairness", o.PriorityAndFairness,
		"share out the handling of requests as the core API server of --authorization-kubeconfig says; without one this has no effect")
	fs.DurationVar(&o.Timeout, "request-timeout", o.Timeout, "how long a request may take that isn't a watch")
	fs.Float64Var(&o.GoawayChance, "goaway-chance", o.GoawayChance,
		fmt.Sprintf("how likely a request is to have its connection closed afterwards, so that clients spread over several servers: from 0 to %v", maxGoawayChance))
}

// Validate returns everything that's wrong with the options.
func (o *RequestOptions) Validate() []error {
	var errs []error
	if o.MaxInFlight < 0 {
		errs = append(errs, fmt.Errorf("--max-requests-inflight: %d must not be negative", o.MaxInFlight))
	}
	if o.MaxMutatingInFlight < 0 {
		errs = append(errs, fmt.Errorf("--max-mutating-requests-inflight: %d must not be negative", o.MaxMutatingInFlight))
	}
	if o.Timeout <= 0 {
		errs = append(errs, fmt.Errorf("--request-timeout: %v must be positive", o.Timeout))
	}
	if o.GoawayChance < 0 || o.GoawayChance > maxGoawayChance {
		errs = append(errs, fmt.Errorf("--goaway-chance: %v must be from 0 to %v", o.GoawayChance, maxGoawayChance))
	}
	return errs
}
