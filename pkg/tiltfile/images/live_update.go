// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/builtins"
)

// LiveUpdate is an argument with a list of steps, in the order that they may have. The pointer is nil without steps.
type LiveUpdate struct{ *model.LiveSteps }

// kind is the type of a step as a Tiltfile sees it. Extensions compare these names.
type kind string

// The kinds of steps in the order in which they may be in a list.
const (
	kindInitialSync kind = "live_update_initial_sync_step"
	kindFallBackOn  kind = "live_update_fall_back_on_step"
	kindSync        kind = "live_update_sync_step"
	kindRun         kind = "live_update_run_step"
	kindRestart     kind = "live_update_restart_container_step"
)

// step is a step of a live update, a value of the Tiltfile.
type step struct {
	kind     kind
	position syntax.Position
	// text describes it.
	text string
	// add adds the step to a live update.
	add func(*model.LiveSteps)
	// used is true once a list of live_update has the step.
	used bool
}

var _ starlark.Value = (*step)(nil)

func (s *step) String() string        { return s.text }
func (s *step) Type() string          { return string(s.kind) }
func (s *step) Freeze()               {}
func (s *step) Truth() starlark.Bool  { return true }
func (s *step) Hash() (uint32, error) { return starlark.String(s.text).Hash() }

// Unpack implements starlark.Unpacker.
func (l *LiveUpdate) Unpack(v starlark.Value) error {
	update, last := &model.LiveSteps{}, kind("")
	elements := builtins.ElementsOf(v)
	for _, element := range elements {
		s, ok := element.(*step)
		if !ok {
			return fmt.Errorf("must be a list of live update steps, got value %s of type %s", element, element.Type())
		}
		if err := follows(s.kind, last); err != nil {
			return err
		}
		s.add(update)
		s.used, last = true, s.kind
	}
	if len(elements) > 0 {
		l.LiveSteps = update
	}
	return nil
}

// follows returns an error for a step that can't come after the last one.
func follows(next, last kind) error {
	switch {
	case last == "":
		return nil
	case next == kindInitialSync:
		return errors.New("initial_sync must appear at most once, at the start of the list")
	case last == kindRestart:
		return errors.New("restart_container is only valid as the last step")
	case next == kindFallBackOn && last != kindInitialSync && last != kindFallBackOn:
		return errors.New("fall_back_on steps must appear at the start of the list")
	case next == kindSync && last == kindRun:
		return errors.New("all sync steps must precede all run steps")
	}
	return nil
}

// stepLibrary returns the builtins that create steps.
func (i *Images) stepLibrary() builtins.Library {
	return builtins.Functions(map[string]builtins.Function{
		"fall_back_on":      i.fallBackOn,
		"initial_sync":      i.initialSync,
		"restart_container": i.restartContainer,
		"run":               i.run,
		"sync":              i.sync,
	})
}

// newStep returns a step that must be used.
func (i *Images) newStep(c *builtins.Call, kind kind, text string, add func(*model.LiveSteps)) starlark.Value {
	s := &step{kind: kind, position: c.Position(), text: text, add: add}
	i.steps = append(i.steps, s)
	return s
}

// initialSync is initial_sync().
func (i *Images) initialSync(c *builtins.Call) (starlark.Value, error) {
	if err := c.Unpack(&struct{}{}); err != nil {
		return nil, err
	}
	return i.newStep(c, kindInitialSync, "initial_sync()", func(l *model.LiveSteps) { l.InitialSync = true }), nil
}

// fallBackOn is fall_back_on(paths).
func (i *Images) fallBackOn(c *builtins.Call) (starlark.Value, error) {
	var a struct {
		Paths builtins.PathList `arg:"paths,alias=files"`
	}
	if err := c.Unpack(&a); err != nil {
		return nil, err
	}
	paths := i.absolute(a.Paths)
	text := fmt.Sprintf("fall_back_on(%s)", strings.Join(paths, ", "))
	return i.newStep(c, kindFallBackOn, text, func(l *model.LiveSteps) {
		l.StopPaths = append(l.StopPaths, paths...)
	}), nil
}

// sync is sync(local_path, remote_path).
func (i *Images) sync(c *builtins.Call) (starlark.Value, error) {
	var a struct {
		Local  builtins.Path `arg:"local_path"`
		Remote string        `arg:"remote_path"`
	}
	if err := c.Unpack(&a); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(a.Remote, "/") {
		return nil, fmt.Errorf("sync destination %q is not absolute", a.Remote)
	}
	sync := model.Sync{Local: i.evaluation.Absolute(string(a.Local)), Remote: a.Remote}
	text := fmt.Sprintf("sync(%s, %s)", sync.Local, sync.Remote)
	return i.newStep(c, kindSync, text, func(l *model.LiveSteps) { l.Syncs = append(l.Syncs, sync) }), nil
}

// run is run(cmd, trigger=None, echo_off=False).
func (i *Images) run(c *builtins.Call) (starlark.Value, error) {
	var a struct {
		Command builtins.CommandLine `arg:"cmd"`
		Trigger builtins.PathList    `arg:"trigger??"`
		EchoOff bool                 `arg:"echo_off??"`
	}
	if err := c.Unpack(&a); err != nil {
		return nil, err
	}
	if a.Command.Command == nil {
		return nil, errors.New("cmd must not be empty")
	}
	run := model.LiveRun{Argv: a.Command.Argv, Triggers: i.absolute(a.Trigger), EchoOff: a.EchoOff}
	text := fmt.Sprintf("run(%s)", a.Command)
	return i.newStep(c, kindRun, text, func(l *model.LiveSteps) { l.Runs = append(l.Runs, run) }), nil
}

// restartContainer is restart_container().
func (i *Images) restartContainer(c *builtins.Call) (starlark.Value, error) {
	if err := c.Unpack(&struct{}{}); err != nil {
		return nil, err
	}
	return i.newStep(c, kindRestart, "restart_container()", func(l *model.LiveSteps) { l.Restart = true }), nil
}

// restartError is for restart_container() in a Kubernetes resource.
func restartError(resource string) error {
	return fmt.Errorf("found restart_container() in a live_update of resource %q: Kubernetes resources can't use it. "+
		"We recommend the restart_process extension: "+
		"https://github.com/tilt-dev/tilt-extensions/tree/master/restart_process", resource)
}

// CheckPaths returns an error for a live update of files outside of the watched paths.
func (l LiveUpdate) CheckPaths(watched []string) error { return checkPaths(l.LiveSteps, watched) }

func checkPaths(l *model.LiveSteps, watched []string) error {
	if l == nil {
		return nil
	}
	for _, sync := range l.Syncs {
		if !belowAny(sync.Local, watched) {
			return fmt.Errorf("sync step source '%s' is not a child of any watched filepaths (%v)", sync.Local, watched)
		}
	}
	for _, path := range l.StopPaths {
		if !belowAny(path, watched) {
			return fmt.Errorf("fall_back_on path '%s' is not a child of any watched filepaths (%v)", path, watched)
		}
	}
	return nil
}

func belowAny(path string, directories []string) bool {
	for _, dir := range directories {
		if _, ok := below(dir, path); ok {
			return true
		}
	}
	return false
}

// below returns the path relative to the directory that holds it.
func below(dir, path string) (relative string, ok bool) {
	relative, err := filepath.Rel(dir, path)
	return relative, err == nil && filepath.IsLocal(relative)
}

func (i *Images) absolute(paths []string) []string {
	var all []string
	for _, path := range paths {
		all = append(all, i.evaluation.Absolute(path))
	}
	return all
}
