// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"net/http"
	"time"

	"k8s.io/client-go/rest"

	"tilt.dev/session/pkg/kube/cluster"
)

// tolerance is by how much clocks may differ without a correction. Creation times and dates are whole seconds.
const tolerance = 2 * time.Second

// serverTime returns a time of this machine as the clock of the API server has it. The clock of a virtual machine may
// be late by minutes after its host slept, and lines of logs would be missed. It's the same time if the server doesn't
// tell.
func serverTime(ctx context.Context, c *cluster.Connection, local time.Time) time.Time {
	client, err := rest.HTTPClientFor(c.Config)
	if err != nil {
		return local
	}
	ctx, cancel := context.WithTimeout(ctx, cluster.CallTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodHead,
		c.Core.RESTClient().Get().AbsPath("/version").URL().String(), nil)
	if err != nil {
		return local
	}
	asked := time.Now()
	response, err := client.Do(request)
	if err != nil {
		return local
	}
	defer response.Body.Close()
	// The answer was written between asked and now.
	return corrected(local, response.Header.Get("Date"), asked, time.Now())
}

// corrected corrects a time by the difference between the date of an answer and the times of the call.
func corrected(local time.Time, header string, asked, answered time.Time) time.Time {
	date, err := http.ParseTime(header)
	if err != nil {
		return local
	}
	switch {
	case date.Before(asked.Add(-tolerance)):
		return local.Add(date.Sub(asked))
	case date.After(answered.Add(tolerance)):
		return local.Add(date.Sub(answered))
	}
	return local
}
