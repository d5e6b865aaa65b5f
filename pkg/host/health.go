// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"net/http"
	"time"
)

// healthEvery is the time between two checks of the storage.
const healthEvery = 5 * time.Second

// StorageHealth is a part that calls report with an error when the storage begins to fail, and with nil when it
// works again. Clients learn it from each of their requests, and from /readyz.
func (a *API) StorageHealth(report func(error)) Part {
	return Part{Name: "storage health", Run: func(ctx context.Context, ready func()) error {
		ready()
		watchHealth(ctx, a.checkStorage, report)
		return nil
	}}
}

// watchHealth calls report with the error of check when check begins to fail, and
// with nil when it succeeds again, until ctx is done.
func watchHealth(ctx context.Context, check func(context.Context) error, report func(error)) {
	tick := time.NewTicker(healthEvery)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := check(ctx)
		if ctx.Err() != nil {
			return // The check may have failed for that reason.
		}
		if failing != (err != nil) {
			failing = !failing
			report(err)
		}
	}
}

// checkStorage returns the error of the first health check that fails.
func (a *API) checkStorage(ctx context.Context) error {
	for _, check := range a.storage.HealthChecks() {
		if err := check.Check((&http.Request{}).WithContext(ctx)); err != nil {
			return err
		}
	}
	return nil
}
