// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/compose"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/filewatch"
	"tilt.dev/session/pkg/image"
	"tilt.dev/session/pkg/kube/cluster"
	"tilt.dev/session/pkg/kube/deploy"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/private"
	"tilt.dev/session/pkg/process"
	"tilt.dev/session/pkg/session"
	"tilt.dev/session/pkg/tiltfile"
)

// GuardCommand is the command of this program that runs process.Guard. Each process that runs Sessions starts one.
const GuardCommand = "process-guard"

// guardEnv halves the start-up time of the guard, which competes with that of the process that starts it: the
// packages of kubectl load the messages of the user's language as they are initialised, of which French has the
// fewest, and the heap of the guard isn't worth a collection before days have passed.
var guardEnv = []string{"LC_ALL=fr_FR.UTF-8", "GOGC=off", "GOMEMLIMIT=64MiB"}

// Engines are options of how Sessions are run.
type Engines struct {
	// Watch has resources run again when their files change.
	Watch bool
	// OpenFiles lets Tiltfiles read the open files of this process.
	OpenFiles bool
	// MaxDataSize is how many bytes of data a Tiltfile may read, 0 for the default.
	MaxDataSize int64
	// KillGrace is the time from SIGTERM to SIGKILL.
	KillGrace time.Duration
	// Environ has further environment variables for commands.
	Environ []string
	Targets
	// Root is a directory, as an absolute path without symbolic links, below which each Tiltfile has to be, empty for
	// any.
	Root string
	// Notice tells a person what runs leave behind, nil to have it in their logs alone.
	Notice func(string)
	// Began is when a run began, or zero if that's when its engine is made.
	Began time.Time
}

// engines makes the engines of Sessions, with what all engines of this process
// share. It must be closed when they have ended.
type engines struct {
	Engines
	processes *process.Runner
	cluster   *cluster.Frozen
	images    *image.Builder
	// projects are what the runs deploy.
	projects *deploy.Projects
	// composed are the Compose projects of the runs.
	composed compose.Projects
	// blobs has the files of Tiltfiles.
	blobs private.Directory
	// files reports changes of files, nil without Watch.
	files *filewatch.Watcher
	clock clock.WithTickerAndDelayedExecution
	// name is in environ, which is this process's environment; commands has defaults for the environment of commands.
	name              ownName
	environ, commands []string
}

// newEngines starts what engines share. It calls warn for what goes wrong later.
func newEngines(options Engines, warn func(error)) (*engines, error) {
	es := &engines{
		Engines: options, clock: clock.RealClock{}, cluster: cluster.Freeze(options.Targets.Cluster),
		projects: deploy.NewProjects(),
	}
	executable, err := os.Executable()
	if err != nil {
		return nil, err
	}
	es.name, es.environ = nameOwn(os.Environ(), executable)
	es.commands = es.name.variables()
	es.processes, err = process.New(process.Options{
		Guard:        []string{executable, GuardCommand},
		GuardEnv:     guardEnv,
		AdoptOrphans: true,
		Warn:         warn,
	})
	if err != nil {
		return nil, errors.Join(err, es.name.remove())
	}
	if es.images, err = es.builder(); err == nil && options.Watch {
		es.files, err = filewatch.New(es.clock)
	}
	if err != nil {
		return nil, errors.Join(err, es.close())
	}
	return es, nil
}

func (es *engines) close() error {
	var err error
	if es.files != nil {
		err = es.files.Close()
	}
	if es.images != nil {
		es.images.Close()
	}
	return errors.Join(err, es.processes.Close(), es.cluster.Close(), es.blobs.Close(), es.name.remove())
}

// locate has commands find the API.
func (es *engines) locate(a *API) {
	es.commands = slices.Concat(es.commands, surroundings(a.Address.Host(a.Server.BindAddress), a.entry.Port), es.Environ)
}

func (es *engines) engine(
	s *v1alpha1.Session, kinds *kinds, log *logs.Store, onChange func(*engine.Snapshot),
) *engine.Engine {
	began := es.Began
	if began.IsZero() {
		began = time.Now()
	}
	config := engine.Config{
		Tiltfile: s.Spec.TiltfilePath,
		Args:     s.Spec.Args,
		Load: &loader{
			engines: es, log: log, subcommand: subcommand(s.Spec.ExitCondition), streams: tiltfile.NewStreams(es.OpenFiles),
		},
		Updates:   kinds,
		Runtimes:  kinds,
		Adopted:   kinds.adopt,
		Disabled:  kinds.disable,
		Logs:      log,
		Environ:   process.MergeEnv(es.commands, es.environ),
		Clock:     es.clock,
		PID:       os.Getpid(),
		StartTime: began,
		KillGrace: cmp.Or(es.KillGrace, -1),
		FailFast:  session.FailFast(s),
		OnChange:  onChange,
	}
	// A run that ends by itself runs everything once.
	if es.files != nil && s.Spec.ExitCondition == v1alpha1.ExitConditionManual {
		config.Watch = es.watch
	}
	return engine.New(config)
}

// watch watches files other than streams.
func (es *engines) watch(ctx context.Context, files model.Watch, report func([]model.Change)) error {
	files.Paths = slices.DeleteFunc(slices.Clone(files.Paths), tiltfile.IsStream)
	return es.files.Watch(ctx, files, report)
}

// surroundings are environment variables that describe where a command runs.
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

// subcommand is the value of config.tilt_subcommand in a Tiltfile.
func subcommand(condition v1alpha1.ExitCondition) string {
	if condition == v1alpha1.ExitConditionCI {
		return "ci"
	}
	return "up"
}

type loader struct {
	engines    *engines
	log        *logs.Store
	subcommand string
	streams    *tiltfile.Streams
}

var _ engine.Loader = (*loader)(nil)

func (l *loader) Load(ctx context.Context, in engine.LoadInput) (model.Project, error) {
	if err := checkBelow(l.engines.Root, in.Path); err != nil {
		return model.Project{}, err
	}
	executable, _ := os.Executable() // sys.executable is None if it's unknown
	dir, err := os.Getwd()
	if err != nil {
		dir = "/" // It was removed.
	}
	return tiltfile.Load(ctx, tiltfile.Options{
		Path:        in.Path,
		WorkingDir:  dir,
		Streams:     l.streams,
		MaxDataSize: l.engines.MaxDataSize,
		Args:        in.Args,
		Subcommand:  l.subcommand,
		Argv:        os.Args,
		Executable:  executable,
		Environ:     l.engines.environ,
		Cluster:     l.engines.cluster.Cluster,
		Redact:      l.redact,
		Runner:      localCommands{processes: l.engines.processes, environ: l.engines.commands},
		Log: func(level logs.Level, text string) {
			l.log.Append(model.TiltfileResource, level, text)
		},
		Output:           func() io.WriteCloser { return l.log.Writer(model.TiltfileResource) },
		PrivateDirectory: l.engines.blobs.Path,
	})
}

// redact keeps secrets out of the log, also in their encoded form.
func (l *loader) redact(secrets []model.Secret) {
	replacements := map[string]string{}
	for _, s := range secrets {
		text := fmt.Sprintf("[redacted secret %s:%s]", s.Name, s.Key)
		replacements[string(s.Value)] = text
		replacements[base64.StdEncoding.EncodeToString(s.Value)] = text
	}
	l.log.Redact(replacements)
}

// localGrace is how long a command of local() may take to end after SIGTERM. The
// evaluation that waits for its output has been cancelled by then.
const localGrace = time.Second

// localCommands runs what a Tiltfile calls with local().
type localCommands struct {
	processes *process.Runner
	// environ has defaults of environment variables.
	environ []string
}

var _ tiltfile.Runner = localCommands{}

func (l localCommands) Run(ctx context.Context, command tiltfile.Command) error {
	spec := process.Spec{
		Argv:   command.Argv,
		Dir:    command.Dir,
		Env:    process.MergeEnv(l.environ, command.Env),
		Output: command.Stdout,
		Stderr: command.Stderr,
	}
	if command.Stdin != "" {
		stdin, end, err := newInput(command.Stdin)
		if err != nil {
			return err
		}
		defer end()
		spec.Stdin = stdin
	}
	p, err := l.processes.Start(spec)
	if err != nil {
		return err
	}
	select {
	case <-p.Done():
	case <-ctx.Done():
		p.Stop(localGrace)
		<-p.Done()
		return ctx.Err()
	}
	if exit := p.Exit(); exit.Code != 0 {
		return errors.New(exit.String())
	}
	return nil
}

// newInput returns a pipe from which a command reads a text. end stops the writer and waits for it. Without that it
// would go on for as long as a process that the command left running has the pipe open.
func newInput(text string) (readEnd *os.File, end func(), err error) {
	readEnd, writeEnd, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	var writing sync.WaitGroup
	writing.Go(func() {
		// An error means that the command hasn't read all of it, which is its choice.
		_, _ = io.WriteString(writeEnd, text)
		_ = writeEnd.Close()
	})
	return readEnd, func() {
		_ = readEnd.Close()
		_ = writeEnd.Close()
		writing.Wait()
	}, nil
}
