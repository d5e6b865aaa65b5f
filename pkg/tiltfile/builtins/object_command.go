// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"errors"
	"fmt"
	"strings"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/model"
)

// apiCommand is a v1alpha1.cmd. The Tiltfile may define what it refers to later.
type apiCommand struct {
	model.Companion
	// watches are the names of the file watches that restart it.
	watches []string
	// resource is the one that its log belongs to, empty for none.
	resource string
	disable  *disableSource
}

// logResource is the annotation for the resource that an object belongs to.
const logResource = "tilt.dev/resource"

// command is v1alpha1.cmd(name, ...). Nothing waits for such a command, so that its probe is checked and not run.
func (o *Objects) command(_ *Call, a struct {
	Metadata
	Args      program               `arg:"args??"`
	Dir       Path                  `arg:"dir??"`
	Env       entryList             `arg:"env??"`
	Probe     partOf[probePart]     `arg:"readiness_probe??"`
	RestartOn partOf[restartOnSpec] `arg:"restart_on??"`
	StartOn   partOf[startOnSpec]   `arg:"start_on??"`
	Disable   partOf[disableSource] `arg:"disable_source??"`
}) (starlark.Value, error) {
	if a.Args == nil {
		return nil, errors.New("args must not be empty")
	}
	command := &apiCommand{resource: a.Annotations[logResource], disable: a.Disable.part}
	command.Name = a.name()
	command.Command = model.Command{Argv: a.Args, Dir: o.evaluation.Absolute(string(a.Dir)), Env: a.Env}
	command.OnDemand = a.StartOn.part != nil && len(a.StartOn.part.Buttons) > 0
	if a.RestartOn.part != nil {
		command.watches = a.RestartOn.part.FileWatches
	}
	o.commands = append(o.commands, command)
	return nil, nil
}

// entryList is a list of "KEY=value" entries.
type entryList []string

func (l *entryList) Unpack(v starlark.Value) (err error) {
	*l, err = stringsOf(v, "list of strings such as \"KEY=value\"")
	for _, entry := range *l {
		key, value, ok := strings.Cut(entry, "=")
		if !ok {
			return fmt.Errorf("got %q, want \"KEY=value\"", entry)
		}
		if err := checkVariable(key, value); err != nil {
			return err
		}
	}
	return err
}

// restartOnSpec is v1alpha1.restart_on_spec(file_watches, ui_buttons).
type restartOnSpec struct {
	Part        `builtin:"v1alpha1.restart_on_spec"`
	FileWatches StringList `arg:"file_watches??"`
	Buttons     StringList `arg:"ui_buttons??"`
}

// startOnSpec is v1alpha1.start_on_spec(ui_buttons).
type startOnSpec struct {
	Part    `builtin:"v1alpha1.start_on_spec"`
	Buttons StringList `arg:"ui_buttons??"`
}

// Companions returns the enabled commands that run beside the resources. Which resources are enabled can disable a
// command.
func (o *Objects) Companions(enabled model.Selection) []model.Companion {
	var companions []model.Companion
	for _, c := range o.commands {
		owner := fmt.Sprintf("v1alpha1.cmd %q", c.Name)
		if o.isDisabled(owner, c.disable, enabled) {
			continue
		}
		companion := c.Companion
		companion.Source = model.TiltfileResource
		if o.resources.has(c.resource) {
			companion.Source = c.resource
		}
		companion.RestartOn = o.watchOf(owner, c.watches, enabled)
		if companion.OnDemand {
			o.evaluation.Warn("%s doesn't run: a button starts it, and this version has no buttons", owner)
		}
		companions = append(companions, companion)
	}
	return companions
}
