// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"errors"
	"fmt"
	"strings"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

// apiCommand is a v1alpha1.cmd. What it refers to may be defined later.
type apiCommand struct {
	model.Companion
	// watches are the names of the file watches that restart it.
	watches []string
	// resource is under which one it's logged, empty for none.
	resource string
	disable  *disableSource
}

// logResource is the annotation by which Tilt knows what an object belongs to.
const logResource = "tilt.dev/resource"

// defineCommand is v1alpha1.cmd(name, labels, annotations, args, dir, env,
// readiness_probe, restart_on, start_on, disable_source). Nothing waits for such
// a command, so its probe is checked and not run.
func (e *evaluation) defineCommand(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var m metadata
	var argv programArgument
	var dir localPath
	var env entryList
	var probe partArgument[probePart, *probePart]
	var restartOn partArgument[restartOnSpec, *restartOnSpec]
	var startOn partArgument[startOnSpec, *startOnSpec]
	var disable disableArgument
	err := e.objects.define(fn, args, kwargs, &m,
		"args??", &argv,
		"dir??", &dir,
		"env??", &env,
		"readiness_probe??", &probe,
		"restart_on??", &restartOn,
		"start_on??", &startOn,
		"disable_source??", &disable,
	)
	switch {
	case err != nil:
		return nil, err
	case argv == nil:
		return nil, errors.New("args must not be empty")
	}
	c := &apiCommand{resource: m.annotations[logResource], disable: disable.part}
	c.Name = string(m.name)
	c.Command = model.Command{Argv: argv, Dir: e.absolute(string(dir)), Env: env}
	c.OnDemand = startOn.part != nil && len(startOn.part.buttons) > 0
	if restartOn.part != nil {
		c.watches = restartOn.part.fileWatches
	}
	e.objects.commands = append(e.objects.commands, c)
	return starlark.None, nil
}

// entryList is a list of "KEY=value" entries.
type entryList []string

// Unpack implements starlark.Unpacker.
func (l *entryList) Unpack(v starlark.Value) error {
	entries, err := stringsOf(v, "list of strings such as \"KEY=value\"")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		key, value, ok := strings.Cut(entry, "=")
		if !ok {
			return fmt.Errorf("got %q, want \"KEY=value\"", entry)
		}
		if err := checkVariable(key, value); err != nil {
			return err
		}
	}
	*l = entries
	return nil
}

// restartOnSpec is v1alpha1.restart_on_spec(file_watches, ui_buttons).
type restartOnSpec struct {
	unchecked
	fileWatches, buttons stringList
}

func (*restartOnSpec) builtin() string { return "v1alpha1.restart_on_spec" }

func (s *restartOnSpec) pairs() []any {
	return []any{"file_watches??", &s.fileWatches, "ui_buttons??", &s.buttons}
}

// startOnSpec is v1alpha1.start_on_spec(ui_buttons).
type startOnSpec struct {
	unchecked
	buttons stringList
}

func (*startOnSpec) builtin() string { return "v1alpha1.start_on_spec" }
func (s *startOnSpec) pairs() []any  { return []any{"ui_buttons??", &s.buttons} }

// companions returns the commands that run beside resources, of which some are
// enabled.
func (e *evaluation) companions(enabled model.Selection) []model.Companion {
	var companions []model.Companion
	for _, c := range e.objects.commands {
		owner := fmt.Sprintf("v1alpha1.cmd %q", c.Name)
		if e.isDisabled(owner, c.disable, enabled) {
			continue
		}
		companion := c.Companion
		companion.Source = model.TiltfileResource
		if e.defined[c.resource] {
			companion.Source = c.resource
		}
		companion.RestartOn = e.watchOf(owner, c.watches, enabled)
		if companion.OnDemand {
			e.log(logs.LevelWarn, owner+" is started by a button, and this version has none: it doesn't run")
		}
		companions = append(companions, companion)
	}
	return companions
}

// watchOf joins the named file watches. What one of them ignores isn't seen by
// the others either.
func (e *evaluation) watchOf(owner string, names []string, enabled model.Selection) model.Watch {
	var all model.Watch
	for _, name := range names {
		f, ok := e.objects.fileWatches[name]
		switch {
		case !ok:
			e.log(logs.LevelWarn, fmt.Sprintf("%s isn't restarted by v1alpha1.file_watch %q, which isn't defined", owner, name))
		case !e.isDisabled(fmt.Sprintf("v1alpha1.file_watch %q", name), f.disable, enabled):
			all.Paths = append(all.Paths, f.watch.Paths...)
			all.Ignores = append(all.Ignores, f.watch.Ignores...)
		}
	}
	return all
}
