// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/data"
)

// Options say what to evaluate, and with what.
type Options struct {
	// Path is the absolute path of the main Tiltfile.
	Path string
	// WorkingDir is the directory for relative paths in a Tiltfile that is an open file of this process, such as
	// /dev/stdin.
	WorkingDir string
	// MaxDataSize limits the bytes of one file, text or output of a command; 0 is DefaultMaxDataSize. The memory of
	// an evaluation is limited to a multiple of it.
	MaxDataSize int64
	// Streams keeps what can be read only once. Nil keeps it for this evaluation, and refuses the open files of this
	// process.
	Streams *data.Streams
	// Args are the arguments for the Tiltfile: the resources to enable, or the settings that config.parse() returns.
	Args []string
	// Subcommand is how the program was called, such as "up" or "ci".
	Subcommand string
	// Argv is the command line of the program, and Executable the path of its file, empty when it isn't known.
	Argv       []string
	Executable string
	// Environ is the environment as "KEY=value" entries; the last one of a key counts.
	Environ []string
	// Cluster returns the Kubernetes cluster of the run, nil if there is no kubeconfig. It is called when the first
	// Kubernetes builtin or local() needs it, at most once. It contacts nothing. Nil: there is no cluster.
	Cluster func() (*model.Cluster, error)
	// Redact gets the secrets of the objects that the Tiltfile deploys, as soon as it registers them. Nil drops them.
	Redact func([]model.Secret)
	// PrivateDirectory returns the directory for files that live as long as the run and that other users can't read. It is
	// called when the first of them is written. Nil refuses them.
	PrivateDirectory func() (string, error)
	// Runner runs the commands of local(), helm() and kustomize(); nil refuses them.
	Runner Runner
	// Log gets what the Tiltfile prints and warns of: one or more lines without a final line break. Calls don't
	// overlap. Nil drops the text.
	Log func(level logs.Level, text string)
	// Output returns a writer for what a command of local() writes to one of its streams, and the evaluation closes
	// it. Nil drops the output.
	Output func() io.WriteCloser
}

// DefaultMaxDataSize is MaxDataSize where it isn't set.
const DefaultMaxDataSize = 64 << 20

// Evaluation is what the subjects of one evaluation share. Only the goroutine that evaluates uses it; it ends with
// that evaluation, so that it may hold a context.
type Evaluation struct {
	Options
	// Context ends the evaluation when it is done.
	Context context.Context
	// Thread executes the Tiltfiles.
	Thread *starlark.Thread
	// Scope is the Tiltfile that is being executed.
	Scope *Scope
	// Inputs are the absolute paths that the result depends on.
	Inputs []string
	// Ignores are the files whose changes don't matter.
	Ignores []model.IgnoreSet
	// CI and MaxParallelUpdates are the settings of the run.
	CI                 model.CISettings
	MaxParallelUpdates int
	// Kubernetes is the cluster that the Tiltfile deploys to.
	Kubernetes *Cluster
	// UpsertTimeout and Apply are how Kubernetes objects are applied.
	UpsertTimeout time.Duration
	Apply         model.ApplyMode
	// UnusedImages are the images that the Tiltfile needn't use, "*" for all of them.
	UnusedImages []string
	// ShowSecrets is true if logs may have the values of Secrets.
	ShowSecrets bool

	definitions []*definition
	// inert are the builtins that were said to have no effect.
	inert []string
}

// NewEvaluation returns an evaluation that hasn't begun.
func NewEvaluation(ctx context.Context, options Options) *Evaluation {
	options.MaxDataSize = cmp.Or(options.MaxDataSize, DefaultMaxDataSize)
	options.Streams = cmp.Or(options.Streams, data.NewStreams(false))
	return &Evaluation{
		Options: options,
		Context: ctx,
		Thread:  &starlark.Thread{Name: options.Path},
		Scope:   &Scope{Args: options.Args},

		MaxParallelUpdates: model.DefaultMaxParallelUpdates,
		Kubernetes:         &Cluster{read: options.Cluster},
		UpsertTimeout:      model.DefaultUpsertTimeout,
		Apply:              model.ApplyAuto,
	}
}

// Scope is a Tiltfile that is executed by itself, with all files that it loads: the main one, or that of an
// extension. Subjects use it as the key of the state that such a Tiltfile has for itself.
type Scope struct {
	Args []string
	// Path is that of an extension's Tiltfile, and Label the one of its resources. They are empty for the main Tiltfile.
	Path, Label string
	// triggerMode is that of the resources that don't have their own, and triggerModeSet where the Tiltfile set it.
	triggerMode    TriggerMode
	triggerModeSet syntax.Position
}

// SubcommandDown is the Subcommand of an evaluation that says what to remove.
const SubcommandDown = "down"

// Select returns the selection of the named resources, and of their dependencies. Arguments of SubcommandDown select no
// dependencies: other resources may need those as well.
func (e *Evaluation) Select(resources []model.Resource, names []string) (model.Selection, error) {
	return model.SelectResources(resources, names, e.Subcommand != SubcommandDown || len(e.Args) == 0)
}

// Info logs a message.
func (e *Evaluation) Info(text string) { e.log(logs.LevelInfo, text) }

// Warn logs a warning.
func (e *Evaluation) Warn(format string, args ...any) {
	e.log(logs.LevelWarn, fmt.Sprintf(format, args...))
}

func (e *Evaluation) log(level logs.Level, text string) {
	if e.Log != nil {
		e.Log(level, strings.TrimSuffix(text, "\n"))
	}
}

// Directory returns the directory for relative paths: that of the file whose top level is being executed.
func (e *Evaluation) Directory() string {
	for depth := range e.Thread.CallStackDepth() {
		if frame := e.Thread.CallFrame(depth); frame.Name == "<toplevel>" {
			return e.directoryOf(frame.Pos.Filename())
		}
	}
	return e.MainDirectory()
}

// MainDirectory returns the directory of the main Tiltfile.
func (e *Evaluation) MainDirectory() string { return e.directoryOf(e.Path) }

func (e *Evaluation) directoryOf(file string) string {
	if (strings.HasPrefix(file, "/dev/") || strings.HasPrefix(file, "/proc/")) && data.IsOpenFile(file) {
		return e.WorkingDir
	}
	return filepath.Dir(file)
}

// Absolute resolves a path of the Tiltfile and cleans it.
func (e *Evaluation) Absolute(path string) string { return filepath.Clean(e.join(path)) }

// join resolves a path of the Tiltfile. It doesn't clean an absolute one: that could lead elsewhere where a symbolic
// link precedes "..".
func (e *Evaluation) join(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(e.Directory(), path)
}

// AddInput records that the result depends on the file at an absolute path.
func (e *Evaluation) AddInput(path string) {
	if !slices.Contains(e.Inputs, path) {
		e.Inputs = append(e.Inputs, path)
	}
}

// MaxSourceSize limits the bytes of a Tiltfile. Within it, not even the most nested source overflows the stack of the
// compiler.
const MaxSourceSize = 1 << 20

// ReadSource returns the content of a file that controls the evaluation, such as a Tiltfile. The absolute path
// becomes an input, even of a missing file.
func (e *Evaluation) ReadSource(path string) ([]byte, error) {
	e.AddInput(path)
	return e.Streams.ReadFile(e.Context, path, MaxSourceSize)
}

// ReadData returns the content of a file with data. The absolute path becomes an input, even of a missing file.
func (e *Evaluation) ReadData(path string) ([]byte, error) {
	e.AddInput(path)
	content, err := e.Streams.ReadFile(e.Context, path, e.MaxDataSize)
	return content, data.Explain(err)
}

// checkSize returns an error for a text that is too large to decode.
func (e *Evaluation) checkSize(text string) error {
	if int64(len(text)) > e.MaxDataSize {
		return data.Explain(data.TooLarge{What: "the text", Limit: e.MaxDataSize})
	}
	return nil
}
