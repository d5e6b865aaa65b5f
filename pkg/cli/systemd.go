// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"k8s.io/klog/v2"
)

// systemd is the service manager, if one started this process and wants to know
// how it is. The zero value is that there's none.
type systemd struct {
	// socket is where it listens.
	socket string
	// watchdog is how long it waits for a sign of life, 0 if it doesn't.
	watchdog time.Duration
}

// takeSystemd reads from the environment how the service manager is told, and
// removes it from there: the library of the API server would say that it's ready
// too early, and what commands say would be taken for ours.
func takeSystemd() (s systemd, err error) {
	s.socket = os.Getenv("NOTIFY_SOCKET")
	if s.socket != "" {
		s.watchdog, err = daemon.SdWatchdogEnabled(true)
	}
	return s, errors.Join(err, os.Unsetenv("NOTIFY_SOCKET"))
}

// tell says how the process is. See sd_notify(3) for the words.
func (s systemd) tell(state string) error {
	if s.socket == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: s.socket, Net: "unixgram"})
	if err == nil {
		_, err = conn.Write([]byte(state))
		err = errors.Join(err, conn.Close())
	}
	if err != nil {
		return fmt.Errorf("tell systemd %q: %w", state, err)
	}
	return nil
}

// feed gives a sign of life whenever alive returns no error, until ctx is done.
func (s systemd) feed(ctx context.Context, alive func(context.Context) error) error {
	if s.watchdog == 0 {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(s.watchdog / 2)
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
		if err := s.tell(daemon.SdNotifyWatchdog); err != nil {
			return err
		}
	}
}
