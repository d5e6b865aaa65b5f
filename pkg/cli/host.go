// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/term"
	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/controller"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/kubeconfig"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/storage"
)

// logLimit is how many bytes of output are kept in memory.
const logLimit = 32 << 20

// host is everything that one Session of up or ci needs, built and listening
// but not running yet. close must be called.
type host struct {
	program  Program
	options  *runOptions
	signals  <-chan os.Signal
	started  time.Time
	location kubeconfig.Location
	// entry is how clients find the server, entering puts it into the kubeconfig.
	entry    kubeconfig.Entry
	entering *task

	logs    *logs.Store
	engines *engines
	storage *storage.Backend
	server  *apiserver.Server
	// runs is what the server answers requests to a run from.
	runs       *controller.Running
	controller *controller.Controller
	// engine is the one that runs, nil before the Session was created.
	engine atomic.Pointer[engine.Engine]
	// finished gets the end of the Session: its verdict, or its deletion.
	finished chan controller.Outcome
	// running is true once the server runs, and closes itself.
	running bool
}

func newHost(ctx context.Context, p Program, o *runOptions) (_ *host, err error) {
	h := &host{program: p, options: o, signals: p.Notify(), started: time.Now(), finished: make(chan controller.Outcome, 1)}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.close(ctx))
		}
	}()
	if h.location, err = kubeconfig.Locate(os.Getenv); err != nil {
		return nil, withCode(ExitAPI, "%w", err)
	}
	h.logs = logs.New(logLimit, clock.RealClock{})
	h.runs = controller.NewRunning()
	h.engines, err = newEngines(o.killGrace, o.exitCondition == v1alpha1.ExitConditionManual, h.warn)
	if err != nil {
		return nil, withCode(ExitFailure, "prepare to run commands: %w", err)
	}
	h.engines.openFiles = true
	config, err := h.listen()
	if err != nil {
		return nil, err
	}
	// Clients that find the entry now are answered when the server runs.
	h.entering = start(context.WithoutCancel(ctx), func(ctx context.Context) error { return h.location.Add(ctx, h.entry, h.warn) })
	if h.server, err = config.Complete().New(); err != nil {
		return nil, withCode(ExitAPI, "build the API server: %w", err)
	}
	h.engines.commands = append(surroundings(o.host, h.entry.Port), h.colours()...)
	return h, h.control()
}

// listen takes the address of the API server.
func (h *host) listen() (*apiserver.Config, error) {
	codec, err := apiserver.StorageCodec()
	if err != nil {
		return nil, withCode(ExitAPI, "%w", err)
	}
	if h.storage, err = storage.NewMemory(storage.Config{Codec: codec}); err != nil {
		return nil, withCode(ExitAPI, "%w", err)
	}
	options := apiserver.NewOptions()
	options.Storage = h.storage
	options.Runs = h.runs
	options.Version = h.program.Version
	addresses, found, err := resolve(h.options.host, lookup)
	if err != nil {
		return nil, withCode(ExitUsage, "%s %q has no address: %w", h.options.hostFrom, h.options.host, err)
	}
	options.Port = h.options.port
	config, err := listenOn(addresses, options)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, withCode(ExitAPI, "port %d is taken by another process: end it, or choose another port with --port (%w)", h.options.port, err)
	case errors.Is(err, errNotHere):
		return nil, withCode(ExitAPI, "%s %q: %w", h.options.hostFrom, h.options.host, err)
	case err != nil:
		return nil, withCode(ExitAPI, "listen on the address of --host and --port: %w", err)
	}
	if !found(options.BindAddress) {
		h.options.host = options.BindAddress // by which commands find the server
	}
	access := config.Access()
	port, err := portOf(access.URL)
	if err != nil {
		return nil, errors.Join(withCode(ExitAPI, "%w", err), config.Close())
	}
	h.entry = kubeconfig.Entry{Port: port, Server: access.URL, CA: access.CertificateAuthority, Token: access.Token}
	return config, nil
}

// control adds the controller to the server.
func (h *host) control() (err error) {
	h.controller, err = controller.New(controller.Config{
		ClientConfig: h.server.LoopbackClientConfig(),
		Runs:         func(s *v1alpha1.Session) bool { return s.Name == sessionName },
		NewRun:       h.newRun,
		Running:      h.runs,
		Delivered:    h.deliver,
		Finished:     h.finish,
	})
	if err != nil {
		return withCode(ExitAPI, "%w", err)
	}
	return errors.Join(
		h.server.AddReadyzCheck("informers", h.controller.InformersSynced),
		h.server.AddReadyzCheck("controller", h.controller.Working))
}

// newRun is an engine for the Session.
func (h *host) newRun(s *v1alpha1.Session, onChange func(*engine.Snapshot)) controller.Run {
	e := h.engines.engine(order{session: s, args: s.Spec.Args, started: h.started, log: h.logs, onChange: onChange})
	h.engine.Store(e)
	return e
}

// deliver waits until watches have the verdict. One that takes nothing for so long gets it
// when it is closed.
func (h *host) deliver(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, deliveryTimeout)
	defer cancel()
	_ = h.server.Delivered(ctx)
}

// finish takes the end of the Session, before its run is ended. What processes write while
// they end is not printed.
func (h *host) finish(o controller.Outcome) {
	if !o.Session.Status.Done && !o.Deleted {
		return
	}
	h.logs.Close()
	select {
	case h.finished <- o:
	default: // A Session that was created again, while this process ends.
	}
}

// colours tells commands whether a terminal with colours shows what they print.
func (h *host) colours() []string {
	if out, ok := h.program.Streams.Out.(*os.File); ok && term.IsTerminal(int(out.Fd())) && os.Getenv("NO_COLOR") == "" {
		return []string{"FORCE_COLOR=1"}
	}
	return nil
}

// warn tells a person what goes wrong beside the run.
func (h *host) warn(err error) {
	fmt.Fprintf(h.program.Streams.ErrOut, "Warning: %v\n", err)
}

// close releases what was built, in the opposite order. What runs has ended.
func (h *host) close(ctx context.Context) error {
	var errs []error
	if h.server != nil && !h.running {
		errs = append(errs, h.server.Close())
	}
	if h.entering != nil && h.entering.wait() == nil {
		if err := h.location.Remove(context.WithoutCancel(ctx), h.entry); err != nil {
			errs = append(errs, fmt.Errorf("context %s stays in the kubeconfig, of no use to anybody: %w", h.entry.Name(), err))
		}
	}
	if h.storage != nil {
		errs = append(errs, h.storage.Close())
	}
	if h.engines != nil {
		errs = append(errs, h.engines.close())
	}
	if h.logs != nil {
		h.logs.Close()
	}
	return errors.Join(errs...)
}

// portOf is the port of a URL, which the options may have left open.
func portOf(server string) (int, error) {
	address, err := url.Parse(server)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(address.Port())
}
