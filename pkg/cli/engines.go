// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/filewatch"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/probe"
	"tilt.dev/session/pkg/process"
	"tilt.dev/session/pkg/session"
	"tilt.dev/session/pkg/tiltfile"
)

// engines makes the engines of Sessions, with what all those of this process
// share. It must be closed when they have ended.
type engines struct {
	processes *process.Runner
	// files tells engines which files have changed. It's nil where nothing is
	// run again.
	files *filewatch.Watcher
	clock clock.WithTickerAndDelayedExecution
	// environ is this process's environment, commands what is added to it for
	// commands where it doesn't say other.
	environ, commands []string
	// killGrace is the time from SIGTERM to SIGKILL.
	killGrace time.Duration
	// openFiles has Tiltfiles read the open files of this process.
	openFiles bool
	// maxDataSize is how much data a Tiltfile may read at once, 0 for the default.
	maxDataSize int64
}

// newEngines starts what engines share. Somebody is warned of what goes wrong
// later.
func newEngines(killGrace time.Duration, watch bool, warn func(error)) (_ *engines, err error) {
	es := &engines{clock: clock.RealClock{}, environ: os.Environ(), killGrace: killGrace}
	if es.maxDataSize, err = environmentDataSize(); err != nil {
		return nil, err
	}
	executable, err := os.Executable()
	if err != nil {
		return nil, err
	}
	// The guard takes its time to start beside all else.
	es.processes, err = process.New(process.Options{
		Guard:        []string{executable, guardCommand},
		GuardEnv:     guardEnv(),
		AdoptOrphans: true,
		Warn:         warn,
	})
	if err != nil || !watch {
		return es, err
	}
	if es.files, err = filewatch.New(es.clock); err != nil {
		return nil, errors.Join(err, es.processes.Close())
	}
	return es, nil
}

func (es *engines) close() error {
	var errs []error
	if es.files != nil {
		errs = append(errs, es.files.Close())
	}
	return errors.Join(append(errs, es.processes.Close())...)
}

// order is what one Session wants of its engine.
type order struct {
	session *v1alpha1.Session
	args    []string
	// started is when the run began.
	started  time.Time
	log      *logs.Store
	onChange func(*engine.Snapshot)
}

// engine makes the engine of a Session.
func (es *engines) engine(o order) *engine.Engine {
	prober := &probe.Prober{Start: es.processes.Start, Env: es.environ, Clock: es.clock}
	config := engine.Config{
		Tiltfile: o.session.Spec.TiltfilePath,
		Args:     o.args,
		Load: &loader{
			engines: es, log: o.log, subcommand: subcommand(o.session.Spec.ExitCondition), streams: tiltfile.NewStreams(es.openFiles),
		},
		Start:     es.start,
		Probe:     prober.Run,
		Logs:      o.log,
		Environ:   process.MergeEnv(es.commands, es.environ),
		Clock:     es.clock,
		PID:       os.Getpid(),
		StartTime: o.started,
		KillGrace: cmp.Or(es.killGrace, -1),
		FailFast:  session.FailFast(o.session),
		OnChange:  o.onChange,
	}
	// A run that ends by itself runs everything once.
	if es.files != nil && o.session.Spec.ExitCondition == v1alpha1.ExitConditionManual {
		config.Watch = es.watch
	}
	return engine.New(config)
}

// watch watches files, streams excepted.
func (es *engines) watch(ctx context.Context, files model.Watch, report func([]model.Change)) error {
	files.Paths = slices.DeleteFunc(slices.Clone(files.Paths), tiltfile.IsStream)
	return es.files.Watch(ctx, files, report)
}

func (es *engines) start(spec process.Spec) (engine.Process, error) {
	p, err := es.processes.Start(spec)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// surroundings are what commands are told about where they run.
func surroundings(host string, port int) []string {
	return []string{
		"LINES=24",
		"COLUMNS=80",
		"PYTHONUNBUFFERED=1",
		"TILT_HOST=" + host,
		fmt.Sprintf("TILT_PORT=%d", port),
		"TILT_DISABLE_ANALYTICS=1",
	}
}

// subcommand is what a Tiltfile sees as config.tilt_subcommand.
func subcommand(condition v1alpha1.ExitCondition) string {
	if condition == v1alpha1.ExitConditionCI {
		return "ci"
	}
	return "up"
}

// loader evaluates the Tiltfile of one Session.
type loader struct {
	engines    *engines
	log        *logs.Store
	subcommand string
	streams    *tiltfile.Streams
}

var _ engine.Loader = (*loader)(nil)

func (l *loader) Load(ctx context.Context, in engine.LoadInput) (model.Project, error) {
	executable, _ := os.Executable() // sys.executable is None when it isn't known
	dir, err := os.Getwd()
	if err != nil {
		dir = "/" // It was removed.
	}
	return tiltfile.Load(ctx, tiltfile.Options{
		Path:        in.Path,
		WorkingDir:  dir,
		Streams:     l.streams,
		MaxDataSize: l.engines.maxDataSize,
		Args:        in.Args,
		Subcommand:  l.subcommand,
		Argv:        os.Args,
		Executable:  executable,
		Environ:     l.engines.environ,
		Runner:      localCommands{processes: l.engines.processes, environ: l.engines.commands},
		Log: func(level logs.Level, text string) {
			l.log.Append(model.TiltfileResource, level, text)
		},
		Output: func() io.WriteCloser { return l.log.Writer(model.TiltfileResource) },
	})
}
