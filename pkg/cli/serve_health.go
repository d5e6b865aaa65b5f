// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// healthEvery is the time between two looks at the storage.
const healthEvery = 5 * time.Second

// watchStorage tells a person when the storage begins to fail, and when it works
// again, until ctx is done. Clients are told with each request, and by /readyz.
func (s *service) watchStorage(ctx context.Context) error {
	watchHealth(ctx, s.checkStorage, func(err error) {
		if err == nil {
			fmt.Fprintln(s.program.Streams.ErrOut, "The storage works again.")
			return
		}
		s.warn(err)
	})
	return nil
}

// watchHealth calls tell with what check returns whenever that becomes an error,
// and nil once it's none any more.
func watchHealth(ctx context.Context, check func(context.Context) error, tell func(error)) {
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
			return // which may be all that the check has failed for
		}
		if failing != (err != nil) {
			failing = !failing
			tell(err)
		}
	}
}

// checkStorage returns what the first check says that fails.
func (s *service) checkStorage(ctx context.Context) error {
	for _, check := range s.storage.HealthChecks() {
		if err := check.Check((&http.Request{}).WithContext(ctx)); err != nil {
			return err
		}
	}
	return nil
}
