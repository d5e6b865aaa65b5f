// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"k8s.io/klog/v2"
)

// tellSystemd says how the process is, if a service manager wants to know.
func tellSystemd(state string) error {
	if _, err := daemon.SdNotify(false, state); err != nil {
		return fmt.Errorf("tell systemd %q: %w", state, err)
	}
	return nil
}

// feedWatchdog tells the service manager, if it wants to know, that the process
// is alive as long as alive returns no error, until ctx is done.
func feedWatchdog(ctx context.Context, alive func(context.Context) error) error {
	limit, err := daemon.SdWatchdogEnabled(false)
	if err != nil || limit == 0 {
		return err
	}
	tick := time.NewTicker(limit / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := alive(ctx); err != nil {
			klog.FromContext(ctx).Error(err, "The server doesn't answer, which the service manager isn't kept from noticing")
			continue
		}
		if err := tellSystemd(daemon.SdNotifyWatchdog); err != nil {
			return err
		}
	}
}

// withoutSystemd is an environment for commands: what they said to the service
// manager would be taken for ours.
func withoutSystemd(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(entry string) bool {
		key, _, _ := strings.Cut(entry, "=")
		return key == "NOTIFY_SOCKET" || key == "WATCHDOG_USEC" || key == "WATCHDOG_PID"
	})
}
