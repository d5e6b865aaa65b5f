// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/controller"
	"tilt.dev/session/pkg/generated/clientset/versioned"
	"tilt.dev/session/pkg/kubeconfig"
	"tilt.dev/session/pkg/storage"
)

// service is a server for many Sessions, built and listening but not running
// yet. close must be called.
type service struct {
	program  Program
	options  *serveOptions
	signals  <-chan os.Signal
	systemd  systemd
	location kubeconfig.Location
	entry    kubeconfig.Entry
	// entered is true while the entry is in the kubeconfig.
	entered bool
	// written is the file of its own that the entry is in, if there is one.
	written string

	storage *storage.Backend
	server  *apiserver.Server
	// running is true once the server runs, and closes itself.
	running bool

	// controller is nil where the Sessions are of several servers.
	controller *controller.Controller

	// What follows is nil when Sessions are only served.
	engines  *engines
	sessions *sessions
}

// serve serves Sessions until a signal, and returns when nothing of it is left.
func serve(ctx context.Context, p Program, o *serveOptions) error {
	setGCPercent(servePercent)
	if err := directLog(p.Streams.ErrOut, o.verbosity); err != nil {
		return withCode(ExitFailure, "%w", err)
	}
	s, err := newService(ctx, p, o)
	if err != nil {
		return err
	}
	err = s.run(ctx)
	if closing := s.close(ctx); closing != nil {
		s.warn(closing)
	}
	return err
}

func newService(ctx context.Context, p Program, o *serveOptions) (_ *service, err error) {
	s := &service{program: p, options: o, signals: p.Notify()}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close(ctx))
		}
	}()
	if s.systemd, err = takeSystemd(); err != nil {
		return nil, withCode(ExitUsage, "read what systemd has set: %w", err)
	}
	if s.location, err = kubeconfig.Locate(os.Getenv); err != nil {
		return nil, withCode(ExitAPI, "%w", err)
	}
	if err := s.openStorage(); err != nil {
		return nil, err
	}
	s.warnOfExposure()
	o.server.Storage = s.storage
	if o.storage == storageFile {
		o.server.IdentityDir = o.dataDir // which the storage has locked
	}
	if o.runSessions {
		if err := s.prepareRuns(); err != nil {
			return nil, withCode(ExitFailure, "prepare to run commands: %w", err)
		}
		o.server.Runs = s.sessions.running
	}
	if err := s.listen(); err != nil {
		return nil, err
	}
	return s, s.control()
}

// listen takes the address, builds the server and says how it's reached.
func (s *service) listen() error {
	config, err := listenOn(s.options.addresses, s.options.server)
	switch {
	case errors.Is(err, errNotHere):
		return withCode(ExitAPI, "--bind-address: %w", err)
	case errors.Is(err, syscall.EADDRINUSE):
		return withCode(ExitAPI, "port %d is taken by another process: end it, or choose another port with --secure-port (%w)", s.options.server.Port, err)
	case errors.Is(err, fs.ErrPermission):
		return withCode(ExitAPI, "listen on --bind-address and --secure-port: %w (ports below 1024 need special rights)", err)
	case err != nil:
		return withCode(ExitAPI, "set up the API server: %w", err)
	}
	access := config.Access()
	port, err := portOf(access.URL)
	if err != nil {
		return errors.Join(withCode(ExitAPI, "%w", err), config.Close())
	}
	s.entry = kubeconfig.Entry{Port: port, Server: access.URL, CA: access.CertificateAuthority, ServerName: access.ServerName, Token: access.Token}
	if s.server, err = config.Complete().New(); err != nil {
		return withCode(ExitAPI, "build the API server: %w", err)
	}
	return nil
}

// enter makes the server known to clients of this user.
func (s *service) enter(ctx context.Context) error {
	if err := s.location.Add(ctx, s.entry, s.warn); err != nil {
		return notEntered(err)
	}
	s.entered = true
	if s.options.kubeconfigOut == "" {
		return nil
	}
	written, err := writeKubeconfig(s.options.kubeconfigOut, s.entry, s.warn)
	if err != nil {
		return withCode(ExitAPI, "--kubeconfig-out: %w", err)
	}
	s.written = written
	return nil
}

// run serves until a signal or until something fails that it can't do without.
func (s *service) run(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	if err := s.enter(ctx); err != nil {
		return err
	}
	serving := start(ctx, s.server.Run)
	s.running = true
	if ready, err := s.awaitReady(ctx, serving); !ready {
		return err
	}
	controlling := start(ctx, s.runController)
	feeding := start(ctx, func(ctx context.Context) error { return s.systemd.feed(ctx, s.alive) })
	watching := start(ctx, s.watchStorage)
	defer func() { _ = watching.stop() }() // it has told what it has seen
	s.announce()
	err := s.await(serving, controlling, feeding)
	s.tellStopping()
	_ = feeding.stop() // somebody was warned already
	err = alsoTell(err, s.end(controlling))
	return alsoTell(err, s.leave(serving))
}

// alsoTell adds a reason to an error, unless the error tells of it already.
func alsoTell(err, reason error) error {
	if errors.Is(err, reason) {
		return err
	}
	return errors.Join(err, reason)
}

// alive asks the server itself.
func (s *service) alive(ctx context.Context) error {
	client, err := versioned.NewForConfig(s.server.LoopbackClientConfig())
	if err != nil {
		return err
	}
	return client.RESTClient().Get().AbsPath("/livez").Do(ctx).Error()
}

// await returns when the end has come: nil if somebody wants it.
func (s *service) await(serving, controlling, feeding *task) error {
	fed := feeding.done
	for {
		select {
		case <-s.signals:
			return nil
		case <-serving.done:
			return withCode(ExitAPI, "the API server has stopped: %w", serving.err)
		case <-controlling.done:
			return withCode(ExitFailure, "the controller has stopped: %w", controlling.err)
		case <-fed:
			fed = nil
			s.warn(feeding.err)
		}
	}
}

// end ends all runs and waits for them. A signal meanwhile has their processes
// killed.
func (s *service) end(controlling *task) error {
	slow := time.NewTimer(patience)
	defer slow.Stop()
	controlling.cancel()
	for {
		select {
		case <-controlling.done:
			return controlling.err
		case <-slow.C:
			fmt.Fprintf(s.program.Streams.ErrOut, "Waiting up to %v for processes to end; another signal kills them at once.\n", s.options.killGrace)
		case <-s.signals:
			s.sessions.kill()
		}
	}
}

// leave has the server stop and waits for it. A signal meanwhile has it drop what's
// in flight.
func (s *service) leave(serving *task) error {
	slow := time.NewTimer(patience)
	defer slow.Stop()
	serving.cancel()
	for {
		select {
		case <-serving.done:
			return serving.err
		case <-slow.C:
			fmt.Fprintf(s.program.Streams.ErrOut, "Waiting up to %v for clients to leave; another signal cuts them off at once.\n",
				s.options.server.ShutdownDelay+s.options.server.DrainTimeout)
		case <-s.signals:
			s.server.Cut()
		}
	}
}

// announce says that the server is there.
func (s *service) announce() {
	out := s.program.Streams.Out
	fmt.Fprintf(out, "tilt-session %s serves sessions.tilt.dev on %s, context %s of %s\n",
		s.program.Version, s.entry.Server, s.entry.Name(), s.location.File())
	switch s.options.storage {
	case storageFile:
		fmt.Fprintf(out, "Sessions are kept in %s\n", s.options.dataDir)
	case storageEtcd:
		fmt.Fprintf(out, "Sessions are kept in etcd at %s below %s\n", strings.Join(s.options.etcd.Servers, ", "), s.options.etcd.Prefix)
	}
	if !s.options.runSessions {
		fmt.Fprintln(out, "Sessions are not run here")
	}
	if err := s.systemd.tell(daemon.SdNotifyReady); err != nil {
		s.warn(err)
	}
}

func (s *service) tellStopping() {
	if err := s.systemd.tell(daemon.SdNotifyStopping); err != nil {
		s.warn(err)
	}
}

// warn tells a person what goes wrong beside what's served.
func (s *service) warn(err error) {
	fmt.Fprintf(s.program.Streams.ErrOut, "Warning: %v\n", err)
}

// close releases what was built, in the opposite order. What runs has ended.
func (s *service) close(ctx context.Context) error {
	var errs []error
	if s.server != nil && !s.running {
		errs = append(errs, s.server.Close())
	}
	if s.written != "" {
		errs = append(errs, removeKubeconfig(s.options.kubeconfigOut, s.written))
	}
	if s.entered {
		if err := s.location.Remove(context.WithoutCancel(ctx), s.entry); err != nil {
			errs = append(errs, fmt.Errorf("context %s stays in the kubeconfig, of no use to anybody: %w", s.entry.Name(), err))
		}
	}
	if s.engines != nil {
		errs = append(errs, s.engines.close())
	}
	if s.storage != nil {
		errs = append(errs, s.storage.Close())
	}
	return errors.Join(errs...)
}
