// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/tiltfile/data"
)

// Evaluation is what the subjects of one evaluation share. Only the goroutine that evaluates uses it; it ends with
// that evaluation, so that it may hold a context.
type Evaluation struct {
	// Context ends the evaluation when it is done.
	Context context.Context
	// Thread executes the Tiltfiles.
	Thread *starlark.Thread
	// Main is the absolute path of the main Tiltfile.
	Main string
	// WorkingDir is the directory for relative paths in a Tiltfile that is an open file of this process.
	WorkingDir string
	// Streams reads files.
	Streams *data.Streams
	// MaxDataSize limits the bytes that a builtin takes from a file, from an output of a command or from a text to
	// decode.
	MaxDataSize int64
	// Log gets messages of one or more lines. It may be nil.
	Log func(level logs.Level, text string)
	// Scope is the Tiltfile that is being executed.
	Scope *Scope
	// Inputs are the absolute paths that the result depends on.
	Inputs []string
}

// Scope is a Tiltfile that is executed by itself, with all files that it loads: the main one, or that of an
// extension. Subjects use it as the key of the state that such a Tiltfile has for itself.
type Scope struct {
	Args []string
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
func (e *Evaluation) MainDirectory() string { return e.directoryOf(e.Main) }

func (e *Evaluation) directoryOf(file string) string {
	if strings.HasPrefix(file, "/dev/") || strings.HasPrefix(file, "/proc/") {
		if data.IsOpenFile(file) {
			return e.WorkingDir
		}
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

// checkSize returns an error for a text that is too large to decode. The name of the text is for the error.
func (e *Evaluation) checkSize(content []byte, name string) error {
	if int64(len(content)) > e.MaxDataSize {
		return data.Explain(data.TooLarge{What: name, Limit: e.MaxDataSize})
	}
	return nil
}
