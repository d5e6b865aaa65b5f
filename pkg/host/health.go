// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"k8s.io/component-base/metrics/legacyregistry"
)

// headerTimeout bounds how long a client may take to send the header of a request.
const headerTimeout = 10 * time.Second

// Alive returns nil for as long as the process is: an API that can't be reached is no reason to restart it.
func (r *Remote) Alive(context.Context) error { return nil }

// Health is a part that serves the health and the metrics of the process, over plain HTTP.
func (r *Remote) Health(address string) Part {
	return Part{Name: "health server", Run: func(ctx context.Context, ready func()) error {
		var config net.ListenConfig
		listener, err := config.Listen(ctx, "tcp", address)
		if err != nil {
			return fmt.Errorf("serve health: %w (choose another address with --health-bind-address)", err)
		}
		server := &http.Server{Handler: r.healthHandler(), ReadHeaderTimeout: headerTimeout}
		served := make(chan error, 1)
		go func() { served <- server.Serve(listener) }()
		ready()
		select {
		case err = <-served:
			return fmt.Errorf("serve health: %w", err)
		case <-ctx.Done():
		}
		err = server.Close()
		if end := <-served; !errors.Is(end, http.ErrServerClosed) {
			err = errors.Join(err, end)
		}
		return err
	}}
}

func (r *Remote) healthHandler() http.Handler {
	answer := func(check func(context.Context) error) http.HandlerFunc {
		return func(w http.ResponseWriter, request *http.Request) {
			if err := check(request.Context()); err != nil {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
				return
			}
			_, _ = fmt.Fprintln(w, "ok")
		}
	}
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", answer(r.Alive))
	mux.Handle("GET /livez", answer(r.Alive))
	mux.Handle("GET /readyz", answer(r.Ready))
	mux.Handle("GET /metrics", legacyregistry.Handler())
	return mux
}
