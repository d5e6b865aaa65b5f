// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/klog/v2"
)

// lingerTime is how long clients may take to close idle connections once all requests
// have been answered. It's also the period in which new connections are cut.
const lingerTime = 100 * time.Millisecond

// pageTime is how long pages that are open may still ask for what they show of the end of a run, such as the last lines
// of what has failed. It's at most half of DrainTimeout.
const pageTime = time.Second

// Run serves until ctx is done, and then returns nil. It shuts down in this order: /readyz fails; after ShutdownDelay,
// and pageTime if pages are open, watches and logs end once they have delivered what is pending; Run waits for the
// other requests and for its goroutines, and closes the storage of Sessions. Cut shortens this. Run returns an error if
// it can't serve.
func (s *Server) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if err := s.config.openAPI.install(s.generic); err != nil {
		return errors.Join(err, s.Close())
	}
	if err := s.generic.AddPreShutdownHook("end-streams", func() error { s.endStreams(ctx); return nil }); err != nil {
		return errors.Join(err, s.Close())
	}
	prepared := s.generic.PrepareRun()

	var running sync.WaitGroup
	running.Go(func() { s.awaitReady(ctx) })
	stopped := make(chan struct{})
	running.Go(func() { s.closeConnections(ctx, stopped) })
	err := prepared.RunWithContext(ctx)
	// All requests to the API have been answered, or their connections are cut.
	answering, cancel := context.WithTimeout(s.cut, lingerTime)
	s.config.listener.plain.stop(answering)
	cancel()
	close(stopped)
	stop()
	running.Wait()
	if s.dialer != nil {
		s.dialer.Close()
	}
	s.config.closeCoreConnections()
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// awaitReady closes ready once watches can be served. Upstream refuses them while the
// watch cache reads the storage, which takes milliseconds unless the storage is down.
func (s *Server) awaitReady(ctx context.Context) {
	pause := wait.Backoff{Duration: time.Millisecond, Factor: 1.1, Steps: 60, Cap: 200 * time.Millisecond}
	err := pause.DelayFunc().Until(ctx, true, false, func(context.Context) (bool, error) {
		return s.cached() == nil, nil
	})
	if err == nil {
		close(s.ready)
	}
}

// Cut makes Run return as soon as possible once its context is done: it ends ShutdownDelay and closes all
// connections. It may be called at any time and more than once.
func (s *Server) Cut() { s.cancelCut() }

// endStreams ends watches and logs, before the server stops accepting requests.
func (s *Server) endStreams(ctx context.Context) {
	select {
	case <-time.After(s.config.options.ShutdownDelay):
	case <-s.cut.Done():
	}
	draining, cancel := context.WithTimeout(s.cut, s.config.options.DrainTimeout)
	defer cancel()
	if s.config.listener.plain.connections.Load() > 0 {
		select {
		case <-time.After(min(pageTime, s.config.options.DrainTimeout/2)):
		case <-draining.Done():
		}
	}
	var ending sync.WaitGroup
	ends := []func(context.Context) error{s.sessions.EndWatches, s.logs.End}
	if s.view != nil {
		ends = append(ends, s.view.End)
	}
	if s.runners != nil {
		ends = append(ends, s.runners.EndWatches)
	}
	for _, end := range ends {
		ending.Go(func() {
			// An error would keep upstream from an orderly shutdown.
			if err := end(draining); err != nil {
				klog.FromContext(ctx).V(1).Info("Closing streams that have not ended", "reason", err.Error())
			}
		})
	}
	ending.Wait()
}

// closeConnections closes the connections that keep the server from stopping: those without a request once the
// server has drained, and all others when the time is over. Otherwise net/http waits for idle HTTP/2 connections.
func (s *Server) closeConnections(ctx context.Context, stopped <-chan struct{}) {
	<-ctx.Done()
	late := time.After(s.config.options.ShutdownDelay + s.config.options.DrainTimeout)
	select {
	case <-stopped:
	case <-late:
	case <-s.cut.Done():
	case <-s.config.generic.DrainedNotify():
		utilnet.CloseIdleConnectionsFor(s.config.loopback.Transport)
		select {
		case <-stopped:
		case <-late:
		case <-s.cut.Done():
		case <-time.After(lingerTime):
		}
	}
	s.config.listener.cutUntil(stopped) // does nothing more once the server has stopped
}
