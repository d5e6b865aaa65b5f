// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/klog/v2"
)

// lingerTime is how long a client may take to close an idle connection once all
// requests are answered and it has been told that the server goes away. Connections
// that are cut are looked for as often.
const lingerTime = 100 * time.Millisecond

// errStopped is why everything of a server ends that wasn't told to stop.
var errStopped = errors.New("the server has stopped")

// Run serves until ctx is done, and returns nil then. From there on it isn't ready,
// and goes on for the shutdown delay. After that it has all open watches and logs
// end, each when it was handed what is pending, waits for the other requests and
// for its goroutines, and releases the storage of Sessions. It returns an error
// when it can't serve or when a post-start hook fails. Cut shortens the waiting.
func (s *Server) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if err := s.config.openAPI.install(s.generic); err != nil {
		return errors.Join(err, s.Close())
	}
	if err := s.generic.AddPreShutdownHook("end-streams", func() error { return s.endStreams(ctx) }); err != nil {
		return errors.Join(err, s.Close())
	}
	prepared := s.generic.PrepareRun()

	var running sync.WaitGroup
	failed := make(chan error, 1)
	running.Go(func() {
		s.runHooks(ctx, func(err error) {
			select {
			case failed <- err:
			default:
			}
			stop(err)
		})
	})
	stopped := make(chan struct{})
	running.Go(func() { s.closeConnections(ctx, stopped) })
	if s.config.generic.FlowControl != nil {
		running.Go(func() { s.countSessions(ctx) })
	}

	err := prepared.RunWithContext(ctx)
	close(stopped)
	stop(errStopped)
	running.Wait()
	s.config.hangUp()
	select {
	case hook := <-failed:
		return errors.Join(hook, err)
	default:
	}
	if err != nil {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}

// Cut has Run return as soon as it can once its context is done, or at once if it is:
// it doesn't go on for the shutdown delay, and every connection is cut, whatever is
// in flight on it. It may be called at any time, and several times.
func (s *Server) Cut() { s.endPatience() }

// endStreams is run before the server stops to take requests. Its result would
// keep the server from shutting down in order, so it's only told.
func (s *Server) endStreams(ctx context.Context) error {
	delay := time.NewTimer(s.config.options.ShutdownDelay)
	defer delay.Stop()
	select {
	case <-delay.C:
	case <-s.patience.Done():
	}
	draining, cancel := context.WithTimeout(s.patience, s.config.options.DrainTimeout)
	defer cancel()
	var ending sync.WaitGroup
	for _, end := range []func(context.Context) error{s.sessions.EndWatches, s.requests.Log.End} {
		ending.Go(func() {
			if err := end(draining); err != nil {
				klog.FromContext(ctx).V(1).Info("Streams are cut", "reason", err.Error())
			}
		})
	}
	ending.Wait()
	return nil
}

// closeConnections ends what keeps the server from stopping: connections that
// clients hold open without a request, and when it's late those with one.
// Without it an idle HTTP/2 connection is waited for.
func (s *Server) closeConnections(ctx context.Context, stopped <-chan struct{}) {
	<-ctx.Done()
	late := time.NewTimer(s.config.options.ShutdownDelay + s.config.options.DrainTimeout)
	defer late.Stop()
	select {
	case <-stopped:
		return
	case <-late.C:
	case <-s.patience.Done():
	case <-s.config.generic.DrainedNotify():
		s.config.loopback.close()
		linger := time.NewTimer(lingerTime)
		defer linger.Stop()
		select {
		case <-stopped:
			return
		case <-late.C:
		case <-s.patience.Done():
		case <-linger.C:
		}
	}
	s.config.listener.cutUntil(stopped)
}
