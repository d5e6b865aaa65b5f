// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package webpage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authentication/user"

	"tilt.dev/session/pkg/web"
)

// drainTimeout is how long requests may take to end when the server stops.
const drainTimeout = 2 * time.Second

// Server serves the page on the loopback interface for an API that is elsewhere. A login there has the rights that the
// API gives this process, or may read alone.
type Server struct {
	listener net.Listener
	site     *web.Site
	viewOnly bool
}

// Listen listens on a port, on any free one for 0. api passes requests on to the API. The caller must call Run.
func Listen(api http.Handler, userName string, port int, viewOnly bool) (*Server, error) {
	listener, err := listen(port)
	if err != nil {
		return nil, err
	}
	s := &Server{listener: listener, viewOnly: viewOnly}
	if viewOnly {
		api = readOnly(api)
	}
	owner := &user.DefaultInfo{Name: userName}
	s.site = web.New(web.Options{API: api, Port: listener.Addr().(*net.TCPAddr).Port, Owner: owner, Viewer: owner})
	return s, nil
}

// listen takes ::1 on a machine without 127.0.0.1.
func listen(port int) (listener net.Listener, err error) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		listener, err = net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port))) //nolint:noctx // It doesn't wait.
		if !errors.Is(err, syscall.EADDRNOTAVAIL) && !errors.Is(err, syscall.EAFNOSUPPORT) {
			break
		}
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("port %d is in use by another process; choose another port with --port: %w", port, err)
	}
	return listener, err
}

// Address is an AddressFunc.
func (s *Server) Address(opens bool) (string, error) {
	code := s.site.NewCode(web.NewCode{ViewOnly: s.viewOnly, Opens: opens}, os.Geteuid())
	return "http://" + s.listener.Addr().String() + "/ui/#login=" + code, nil
}

// Run serves until ctx is done. Then it ends all requests, streams too, and waits for them.
func (s *Server) Run(ctx context.Context, ready func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := web.NewServer(s.site)
	server.BaseContext = func(net.Listener) context.Context { return ctx }
	server.ErrorLog = log.New(io.Discard, "", 0)
	served := make(chan error, 1)
	go func() { served <- server.Serve(s.listener) }()
	ready()
	select {
	case err := <-served:
		return fmt.Errorf("serve the web page: %w", err)
	case <-ctx.Done():
	}
	draining, stop := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer stop()
	if err := server.Shutdown(draining); err != nil {
		_ = server.Close() // Only clients that read nothing are left.
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the web page: %w", err)
	}
	return nil
}

// readOnly refuses what is more than reading, because the API gives this process more rights than the login has.
func readOnly(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			api.ServeHTTP(w, r)
			return
		}
		refuse(w, apierrors.NewForbidden(schema.GroupResource{}, "", errors.New("this login may read alone (--view-only)")))
	})
}

// refuse answers as an API does.
func refuse(w http.ResponseWriter, refusal *apierrors.StatusError) {
	status := refusal.Status()
	status.APIVersion, status.Kind = "v1", "Status"
	text, err := json.Marshal(status)
	if err != nil {
		http.Error(w, "encode the answer: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(int(status.Code))
	_, _ = w.Write(text)
}
