// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/klog/v2"
)

// Systemd is the service manager that started this process and asks for its state.
// The zero value is that there's none.
type Systemd struct {
	// socket is where systemd listens.
	socket string
	// watchdog is how long systemd waits for a sign of life, 0 if it doesn't.
	watchdog time.Duration
}

// TakeSystemd reads from the environment how to reach systemd, and removes that from the environment: the library
// of the API server would notify too early, and commands would notify in the name of this process.
func TakeSystemd() (s Systemd, err error) {
	s.socket = os.Getenv("NOTIFY_SOCKET")
	if s.socket != "" {
		s.watchdog, err = daemon.SdWatchdogEnabled(true)
	}
	return s, errors.Join(err, os.Unsetenv("NOTIFY_SOCKET"))
}

// Part notifies systemd that the process is ready, that it's alive for as long as
// the API answers, and that it stops. It's the last part of a process.
func (s Systemd) Part(a *API) Part { return s.NotifierOf(a.alive, a.Warn) }

// NotifierOf is the same for a process that is alive for as long as a function returns no error.
func (s Systemd) NotifierOf(alive func(context.Context) error, warn func(error)) Part {
	return Part{Name: "systemd notifier", Run: func(ctx context.Context, ready func()) error {
		notify := func(state string) {
			if err := s.notify(state); err != nil {
				warn(err)
			}
		}
		notify(daemon.SdNotifyReady)
		ready()
		if err := s.feed(ctx, alive); err != nil {
			warn(err)
			<-ctx.Done()
		}
		notify(daemon.SdNotifyStopping)
		return nil
	}}
}

func (s Systemd) notify(state string) error {
	if s.socket == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: s.socket, Net: "unixgram"})
	if err == nil {
		_, err = conn.Write([]byte(state))
		err = errors.Join(err, conn.Close())
	}
	if err != nil {
		return fmt.Errorf("notify systemd of %q: %w", state, err)
	}
	return nil
}

// feed sends a sign of life whenever alive returns no error, until ctx is done.
func (s Systemd) feed(ctx context.Context, alive func(context.Context) error) error {
	if s.watchdog == 0 {
		<-ctx.Done()
		return nil
	}
	err := wait.PollUntilContextCancel(ctx, s.watchdog/2, false, func(ctx context.Context) (bool, error) {
		if err := alive(ctx); err != nil {
			klog.FromContext(ctx).Error(err, "The process doesn't answer, so systemd gets no sign of life")
			return false, nil
		}
		return false, s.notify(daemon.SdNotifyWatchdog)
	})
	if ctx.Err() != nil {
		return nil //nolint:nilerr // The end of ctx is the regular end.
	}
	return err
}
