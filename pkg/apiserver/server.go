// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"k8s.io/apimachinery/pkg/runtime"
	genericrest "k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/client-go/rest"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/registry/session"
)

// Access is what a user needs to reach a server.
type Access struct {
	// URL is "https://" with the address.
	URL string
	// CertificateAuthority verifies the server, in PEM. It's the server's own,
	// which no file replaces and which outlives the certificates.
	CertificateAuthority []byte
	// ServerName is the name to ask for and to verify, as tls-server-name in a
	// kubeconfig. If empty it's the host of the URL.
	ServerName string
	// Token is the bearer token.
	Token string
}

// Server is built and listens. Exactly one of Run and Close must be called.
type Server struct {
	config   *Config
	generic  *genericapiserver.GenericAPIServer
	sessions *session.REST
	requests *session.Requests
	hooks    []*postStartHook
	ready    chan struct{}
	// patience ends when nobody is waited for any more.
	patience    context.Context
	endPatience context.CancelFunc
}

// New builds the server. After an error the address has been given back.
func (c CompletedConfig) New() (*Server, error) {
	server, err := c.build()
	if err != nil {
		return nil, errors.Join(err, c.config.Close())
	}
	return server, nil
}

func (c CompletedConfig) build() (*Server, error) {
	generic, err := c.completed.New("tilt-session", genericapiserver.NewEmptyDelegate())
	if err != nil {
		return nil, fmt.Errorf("building the server: %w", err)
	}
	generic.Handler.NonGoRestfulMux.NotFoundHandler(notFound(c.config.codecs))
	sessions, status, err := session.NewREST(c.config.scheme, c.config.options.Storage.RESTOptionsGetter())
	if err != nil {
		return nil, err
	}
	group := genericapiserver.NewDefaultAPIGroupInfo(v1alpha1.GroupName, c.config.scheme, runtime.NewParameterCodec(c.config.scheme), c.config.codecs)
	requests := session.NewRequests(sessions, c.config.options.Runs)
	served := map[string]genericrest.Storage{
		"sessions":        sessions,
		"sessions/status": status,
	}
	requests.InstallInto(served)
	group.VersionedResourcesStorageMap[v1alpha1.SchemeGroupVersion.Version] = served
	if err := generic.InstallAPIGroup(&group); err != nil {
		sessions.Destroy()
		return nil, fmt.Errorf("serving %s: %w", v1alpha1.GroupName, err)
	}
	server := &Server{config: c.config, generic: generic, sessions: sessions, requests: requests, ready: make(chan struct{})}
	server.patience, server.endPatience = context.WithCancel(context.Background())
	return server, errors.Join(
		server.AddReadyzCheck("watch-cache", func(context.Context) error { return sessions.ReadinessCheck() }),
		server.AddPostStartHook("watch-cache", server.awaitWatchCache),
	)
}

// Close releases what New has acquired, for a server that isn't run.
func (s *Server) Close() error {
	s.generic.Destroy()
	return s.config.Close()
}

// Access returns what a user needs to reach the server.
func (s *Server) Access() Access { return s.config.access }

// LoopbackClientConfig returns a configuration of clients of this process. It
// doesn't limit their rate, and they share their connections. Their requests
// should have ended when Run is told to stop, or it waits for them.
func (s *Server) LoopbackClientConfig() *rest.Config {
	return rest.CopyConfig(s.config.loopback.config)
}

// Ready is closed once the server answers, its storage is ready and every
// post-start hook has returned. If Run returns before that it never is.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// AddReadyzCheck makes /readyz depend on a check, under its name. It must not
// be called after Run.
func (s *Server) AddReadyzCheck(name string, check func(context.Context) error) error {
	err := s.generic.AddReadyzChecks(healthz.NamedCheck(name, func(request *http.Request) error {
		return check(request.Context())
	}))
	if err != nil {
		return fmt.Errorf("adding the check %s: %w", name, err)
	}
	return nil
}

// Delivered blocks until every open watch of Sessions has been handed each
// event of a write that was answered before the call, or has ended. It returns
// an error when ctx is done first.
func (s *Server) Delivered(ctx context.Context) error { return s.sessions.Delivered(ctx) }
