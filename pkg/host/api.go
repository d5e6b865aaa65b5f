// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"

	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/generated/clientset/versioned"
	"tilt.dev/session/pkg/kubeconfig"
	"tilt.dev/session/pkg/storage"
	"tilt.dev/session/pkg/web"
)

// API is a storage, a server for it, and an entry in the kubeconfig by which
// clients find the server. The fields are set before its parts run.
type API struct {
	// Server configures the API server. The API sets its storage and its address.
	Server *apiserver.Options
	// Open opens the storage, whose file is in DataDir if it has one.
	Open    func(storage.Config) (*storage.Backend, error)
	DataDir string
	// Address is where the server listens. AddressFlag and PortFlag name its flags in errors.
	Address               Address
	AddressFlag, PortFlag string
	// Tiltfile is the absolute path of the Tiltfile that the process runs, empty for a server of many Sessions.
	Tiltfile string
	// KubeconfigOut is a file of its own for the entry, none if empty.
	KubeconfigOut string
	// Warn receives errors that don't end the process. It's called from several goroutines.
	Warn func(error)

	storage  *storage.Backend
	config   *apiserver.Config
	server   atomic.Pointer[apiserver.Server]
	location kubeconfig.Location
	entry    kubeconfig.Entry
	// attach adds to the server before it runs.
	attach []func(*apiserver.Server) error
}

// Steps are the steps of a process that serve the API.
func (a *API) Steps() [][]Part {
	return [][]Part{
		{{Name: "storage", Run: a.store}},
		{{Name: "listener", Run: a.listen}},
		{
			{Name: "kubeconfig entry", Run: a.enter},
			{
				Name: "API server", Run: a.serve, Hurry: a.cut,
				Patience: fmt.Sprintf("Waiting up to %v for clients to leave; another signal cuts them off at once.",
					a.Server.ShutdownDelay+a.Server.DrainTimeout),
			},
		},
	}
}

// String says where clients find the API.
func (a *API) String() string {
	return fmt.Sprintf(
		"serves sessions.tilt.dev on %s, context %s of %s",
		a.entry.Server,
		a.entry.Name(),
		a.location.File(),
	)
}

// ClientConfig is for clients in this process, once the server is ready.
func (a *API) ClientConfig() *rest.Config { return a.server.Load().LoopbackClientConfig() }

// WebURL returns an address of the web page with a code for one login, or why there is none, once the server is ready.
// opens is true if this process opens it by a command.
func (a *API) WebURL(opens bool) (string, error) {
	return a.server.Load().WebURL(web.NewCode{Opens: opens})
}

func (a *API) store(ctx context.Context, ready func()) error {
	codec, err := apiserver.StorageCodec()
	if err != nil {
		return &APIError{err}
	}
	if a.storage, err = a.Open(storage.Config{Codec: codec, Dir: a.DataDir}); err != nil {
		return &APIError{err}
	}
	a.Server.Storage = a.storage
	ready()
	<-ctx.Done()
	if err := a.storage.Close(); err != nil {
		a.Warn(err)
	}
	return nil
}

// listen opens the listener. The API server closes it.
func (a *API) listen(ctx context.Context, ready func()) (err error) {
	if a.location, err = kubeconfig.Locate(os.Getenv); err != nil {
		return &APIError{err}
	}
	config, err := a.listenOn()
	if err != nil {
		return &APIError{err}
	}
	access := config.Access()
	port, err := portOf(access.URL)
	if err != nil {
		return errors.Join(&APIError{err}, config.Close())
	}
	a.config = config
	a.entry = kubeconfig.Entry{
		Port: port, Server: access.URL, CA: access.CertificateAuthority, ServerName: access.ServerName, Token: access.Token,
		Tiltfile: a.Tiltfile,
	}
	ready()
	<-ctx.Done()
	return nil
}

// portOf is the port of a URL, which the options may have left open.
func portOf(server string) (int, error) {
	address, err := url.Parse(server)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(address.Port())
}

// serve builds the server and runs it. A server that's stopped before it's ready has no clients to wait for.
func (a *API) serve(ctx context.Context, ready func()) error {
	server, err := a.config.Complete().New()
	if err != nil {
		return apiError("build the API server: %w", err)
	}
	for _, attach := range a.attach {
		if err := attach(server); err != nil {
			return errors.Join(&APIError{err}, server.Close())
		}
	}
	a.server.Store(server)
	var watching sync.WaitGroup
	watched, stop := context.WithCancel(ctx)
	watching.Go(func() { a.awaitReady(watched, server, ready) })
	err = server.Run(ctx)
	stop()
	watching.Wait()
	if err != nil {
		return &APIError{err}
	}
	return nil
}

func (a *API) awaitReady(ctx context.Context, server *apiserver.Server, ready func()) {
	slow := time.NewTimer(patience)
	defer slow.Stop()
	for {
		select {
		case <-server.Ready():
			ready()
			return
		case <-ctx.Done():
			server.Cut()
			return
		case <-slow.C:
			if err := a.checkStorage(ctx); err != nil && ctx.Err() == nil {
				a.Warn(fmt.Errorf("%s answers, but isn't ready: %w (the server retries until it succeeds)", a.entry.Server, err))
			}
		}
	}
}

// cut closes the connections of all clients when the server is stopped.
func (a *API) cut() {
	if server := a.server.Load(); server != nil {
		server.Cut()
	}
}

// Arrivals is a part that's ready when clients that connected before the server
// was ready have made their first request, or when timeout has passed.
func (a *API) Arrivals(timeout time.Duration) Part {
	return Part{Name: "arrivals", Run: func(ctx context.Context, ready func()) error {
		bounded, cancel := context.WithTimeout(ctx, timeout)
		_ = a.server.Load().Arrived(bounded) // The timeout is no failure.
		cancel()
		ready()
		<-ctx.Done()
		return nil
	}}
}

func (a *API) alive(ctx context.Context) error {
	client, err := versioned.NewForConfig(a.ClientConfig())
	if err != nil {
		return err
	}
	return client.RESTClient().Get().AbsPath("/livez").Do(ctx).Error()
}

// healthEvery is the time between two checks of the storage.
const healthEvery = 5 * time.Second

// StorageHealth is a part that calls report with an error when the storage begins to fail, and with nil when it
// works again. Clients learn it from each of their requests, and from /readyz.
func (a *API) StorageHealth(report func(error)) Part {
	return Part{Name: "storage health", Run: func(ctx context.Context, ready func()) error {
		ready()
		watchHealth(ctx, a.checkStorage, report)
		return nil
	}}
}

// watchHealth calls report with the error of check when check begins to fail, and
// with nil when it succeeds again, until ctx is done.
func watchHealth(ctx context.Context, check func(context.Context) error, report func(error)) {
	failing := false
	_ = wait.PollUntilContextCancel(ctx, healthEvery, false, func(ctx context.Context) (bool, error) {
		// A check during the end may have failed for that reason.
		if err := check(ctx); failing != (err != nil) && ctx.Err() == nil {
			failing = !failing
			report(err)
		}
		return false, nil
	})
}

// checkStorage returns the error of the first health check that fails.
func (a *API) checkStorage(ctx context.Context) error {
	for _, check := range a.storage.HealthChecks() {
		if err := check.Check((&http.Request{}).WithContext(ctx)); err != nil {
			return err
		}
	}
	return nil
}
