// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/jonboulle/clockwork"
	"golang.org/x/term"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/controller"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/probe"
	"tilt.dev/session/pkg/process"
	"tilt.dev/session/pkg/session"
	"tilt.dev/session/pkg/tiltfile"
)

// newRun is an engine for a Session.
func (h *host) newRun(s *v1alpha1.Session, onChange func(*engine.Snapshot)) controller.Run {
	clock := clockwork.NewRealClock()
	environ := os.Environ()
	prober := &probe.Prober{Start: h.processes.Start, Env: environ, Clock: clock}
	config := engine.Config{
		Tiltfile:  s.Spec.TiltfilePath,
		Args:      h.options.args,
		Load:      &loader{host: h, environ: environ},
		Start:     h.startProcess,
		Probe:     prober.Run,
		Logs:      h.logs,
		Environ:   withDefaults(environ, h.surroundings()),
		Clock:     clock,
		PID:       os.Getpid(),
		StartTime: h.started,
		KillGrace: cmp.Or(h.options.killGrace, -1),
		FailFast:  session.FailFast(s),
		OnChange:  onChange,
	}
	if h.files != nil {
		config.Watch = h.files.Watch
	}
	e := engine.New(config)
	h.engine.Store(e)
	return e
}

func (h *host) startProcess(spec process.Spec) (engine.Process, error) {
	p, err := h.processes.Start(spec)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// surroundings are what commands are told about where they run.
func (h *host) surroundings() []string {
	surroundings := []string{
		"LINES=24",
		"COLUMNS=80",
		"PYTHONUNBUFFERED=1",
		"TILT_HOST=" + h.options.host,
		"TILT_PORT=" + strconv.Itoa(h.entry.Port),
		"TILT_DISABLE_ANALYTICS=1",
	}
	if out, ok := h.program.Streams.Out.(*os.File); ok && term.IsTerminal(int(out.Fd())) && os.Getenv("NO_COLOR") == "" {
		surroundings = append(surroundings, "FORCE_COLOR=1")
	}
	return surroundings
}

// withDefaults adds the entries whose keys environ doesn't have.
func withDefaults(environ, defaults []string) []string {
	all := slices.Clone(environ)
	for _, entry := range defaults {
		key, _, _ := strings.Cut(entry, "=")
		if !slices.ContainsFunc(environ, func(e string) bool { return strings.HasPrefix(e, key+"=") }) {
			all = append(all, entry)
		}
	}
	return all
}

// loader evaluates the Tiltfile of a run.
type loader struct {
	host    *host
	environ []string
}

var _ engine.Loader = (*loader)(nil)

// Load evaluates the Tiltfile. Nothing that it asks for is seen before it
// returns, so that this is the last moment to wait for who wants to see it.
func (l *loader) Load(ctx context.Context, in engine.LoadInput) (model.Project, error) {
	defer l.host.visitors.informed(ctx)
	executable, _ := os.Executable() // sys.executable is None when it isn't known
	return tiltfile.Load(ctx, tiltfile.Options{
		Path:       in.Path,
		Args:       in.Args,
		Subcommand: l.host.options.subcommand(),
		Argv:       os.Args,
		Executable: executable,
		Environ:    l.environ,
		Runner:     localCommands{processes: l.host.processes},
		Log: func(level logs.Level, text string) {
			l.host.logs.Append(model.TiltfileResource, level, text)
		},
	})
}
