// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/healthz"
	restclient "k8s.io/client-go/rest"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/registry/runner"
	"tilt.dev/session/pkg/registry/session"
	"tilt.dev/session/pkg/registry/uiresource"
	"tilt.dev/session/pkg/relay"
	"tilt.dev/session/pkg/web"
)

// Access is how the owner reaches a server.
type Access struct {
	// URL is "https://" with the address.
	URL string
	// CertificateAuthority verifies the server, in PEM. It's the server's own, also if
	// the serving certificate is one of files or of a Secret.
	CertificateAuthority []byte
	// ServerName is the name to request and to verify, as tls-server-name in a
	// kubeconfig. If empty, it's the host of the URL.
	ServerName string
	// Token is the bearer token.
	Token string
}

// Server is built and listens. The caller must call exactly one of Run and Close.
type Server struct {
	config   *Config
	generic  *genericapiserver.GenericAPIServer
	sessions *session.REST
	logs     *session.LogREST
	// runners is nil without Runners.
	runners *runner.REST
	// dialer is the way to the runs of Runners, nil without Runners.
	dialer *relay.Dialer
	// view is nil without UIResources.
	view *uiresource.View
	// ready is closed by Run once the server is ready.
	ready chan struct{}
	// cut is done once Cut has been called.
	cut       context.Context
	cancelCut context.CancelFunc
}

// New builds the server. It stops listening if it fails.
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
		return nil, fmt.Errorf("build the server: %w", err)
	}
	generic.Handler.NonGoRestfulMux.NotFoundHandler(notFound(c.config.codecs))
	getter := c.config.options.Storage.RESTOptionsGetter()
	if c.config.generic.FlowControl != nil {
		getter = countedSessions{getter, c.config.generic.StorageObjectCountTracker}
	}
	sessions, status, err := session.NewREST(c.config.scheme, getter)
	if err != nil {
		return nil, err
	}
	server := &Server{config: c.config, generic: generic, sessions: sessions, ready: make(chan struct{})}
	runners, err := server.serveRunners(getter)
	if err != nil {
		sessions.Destroy()
		return nil, err
	}
	var remote session.Remote
	if server.dialer != nil {
		remote = server.dialer
	}
	served, logs := session.NewSubresources(sessions, c.config.options.Runs, remote)
	server.logs = logs
	served["sessions"], served["sessions/status"] = sessions, status
	maps.Copy(served, runners)
	if source := c.config.options.UI; source != nil {
		var shown map[string]rest.Storage
		shown, server.view = uiresource.New(
			c.config.scheme, c.config.codecs.LegacyCodec(v1alpha1.SchemeGroupVersion), source)
		maps.Copy(served, shown)
	}
	group := genericapiserver.NewDefaultAPIGroupInfo(
		v1alpha1.GroupName, c.config.scheme, runtime.NewParameterCodec(c.config.scheme), c.config.codecs)
	group.VersionedResourcesStorageMap[v1alpha1.SchemeGroupVersion.Version] = served
	if err := generic.InstallAPIGroup(&group); err != nil {
		sessions.Destroy()
		return nil, fmt.Errorf("install the API group %s: %w", v1alpha1.GroupName, err)
	}
	if c.config.site != nil {
		generic.Handler.NonGoRestfulMux.UnlistedHandleFunc(web.CodesPath, server.serveCodes)
	}
	server.cut, server.cancelCut = context.WithCancel(context.Background())
	return server, server.AddReadyzCheck("watch-cache", func(context.Context) error { return server.cached() })
}

// cached returns an error while a watch cache hasn't read the storage yet.
func (s *Server) cached() error {
	err := s.sessions.ReadinessCheck()
	if s.runners != nil {
		err = errors.Join(err, s.runners.ReadinessCheck())
	}
	return err
}

// notFound answers requests for unknown paths with a Status. Upstream's handler lists all paths.
func notFound(serializer runtime.NegotiatedSerializer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		err := apierrors.NewGenericServerResponse(
			http.StatusNotFound, strings.ToLower(request.Method), schema.GroupResource{}, "", "", 0, true)
		responsewriters.ErrorNegotiated(err, serializer, schema.GroupVersion{Version: "v1"}, w, request)
	})
}

// Close releases the resources of a server that isn't run.
func (s *Server) Close() error {
	s.generic.Destroy()
	return s.config.Close()
}

// Access returns how the owner reaches the server.
func (s *Server) Access() Access { return s.config.access }

// LoopbackClientConfig returns a configuration for clients in this process. They have
// no rate limit and share connections. Run waits for their requests when it stops.
func (s *Server) LoopbackClientConfig() *restclient.Config {
	return restclient.CopyConfig(s.config.loopback)
}

// Ready is closed once the server answers requests, watches included. It's never closed if Run returns before.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// AddReadyzCheck adds a check to /readyz. It must be called before Run.
func (s *Server) AddReadyzCheck(name string, check func(context.Context) error) error {
	err := s.generic.AddReadyzChecks(healthz.NamedCheck(name, func(request *http.Request) error {
		return check(request.Context())
	}))
	if err != nil {
		return fmt.Errorf("add the readyz check %s: %w", name, err)
	}
	return nil
}

// Delivered blocks until each watch has received the events of all writes that were answered before the call, and
// those of UIResources what the runs had published by then, or has ended. It returns an error if ctx is done before.
func (s *Server) Delivered(ctx context.Context) error {
	if s.view == nil {
		return s.sessions.Delivered(ctx)
	}
	return errors.Join(s.sessions.Delivered(ctx), s.view.Delivered(ctx))
}
