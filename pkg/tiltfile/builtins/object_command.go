// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
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
	if a.StartOn.part != nil {
		command.Buttons = a.StartOn.part.Buttons
		command.OnDemand = len(command.Buttons) > 0
	}
	if a.RestartOn.part != nil {
		command.watches = a.RestartOn.part.FileWatches
		command.Buttons = slices.Concat(command.Buttons, a.RestartOn.part.Buttons)
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

// startOnSpec is v1alpha1.start_on_spec(start_after, ui_buttons). A press counts when it happens, so that the time
// isn't used.
type startOnSpec struct {
	Part       `builtin:"v1alpha1.start_on_spec"`
	StartAfter string     `arg:"start_after??"`
	Buttons    StringList `arg:"ui_buttons??"`
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
		if o.evaluation.HasResource(c.resource) {
			companion.Source = c.resource
		}
		companion.RestartOn = o.watchOf(owner, c.watches, enabled)
		for _, button := range companion.Buttons {
			if !o.taken["v1alpha1.ui_button "+button] {
				o.evaluation.Warn("%s isn't started by v1alpha1.ui_button %q, which isn't defined", owner, button)
			}
		}
		companions = append(companions, companion)
	}
	return companions
}

// fileWatch is a v1alpha1.file_watch.
type fileWatch struct {
	watch   model.Watch
	disable *disableSource
}

// fileWatch is v1alpha1.file_watch(name, ...).
func (o *Objects) fileWatch(c *Call, a struct {
	Metadata
	Paths   PathList              `arg:"watched_paths??"`
	Ignores partList[ignoreDef]   `arg:"ignores??"`
	Disable partOf[disableSource] `arg:"disable_source??"`
}) (starlark.Value, error) {
	if len(a.Paths) == 0 {
		return nil, errors.New("watched_paths must not be empty")
	}
	f := &fileWatch{disable: a.Disable.part}
	for _, path := range a.Paths {
		f.watch.Paths = append(f.watch.Paths, o.evaluation.Absolute(path))
	}
	for _, ignore := range a.Ignores {
		f.watch.Ignores = append(f.watch.Ignores, model.IgnoreSet{
			Base:     o.evaluation.Absolute(string(ignore.Base)),
			Patterns: ignore.Patterns,
			Source:   fmt.Sprintf("%s(%q)", c.Name, a.name()),
		})
	}
	o.fileWatches[a.name()] = f
	return nil, nil
}

// ignoreDef is v1alpha1.ignore_def(base_path, patterns). Without patterns it ignores everything below the path.
type ignoreDef struct {
	Part     `builtin:"v1alpha1.ignore_def"`
	Base     Path        `arg:"base_path??"`
	Patterns PatternList `arg:"patterns??"`
}

func (i *ignoreDef) check() error {
	if i.Base == "" {
		return errors.New("base_path must not be empty")
	}
	if len(i.Patterns) == 0 {
		i.Patterns = PatternList{"**"}
	}
	return nil
}

// WatchedPaths returns the paths of all file watches.
func (o *Objects) WatchedPaths() []string {
	var paths []string
	for _, name := range slices.Sorted(maps.Keys(o.fileWatches)) {
		paths = append(paths, o.fileWatches[name].watch.Paths...)
	}
	return paths
}

// watchOf joins the named file watches. What one of them ignores, the others ignore too.
func (o *Objects) watchOf(owner string, names []string, enabled model.Selection) model.Watch {
	var all model.Watch
	for _, name := range names {
		f, ok := o.fileWatches[name]
		switch {
		case !ok:
			o.evaluation.Warn("%s isn't restarted by v1alpha1.file_watch %q, which isn't defined", owner, name)
		case !o.isDisabled(fmt.Sprintf("v1alpha1.file_watch %q", name), f.disable, enabled):
			all.Paths = append(all.Paths, f.watch.Paths...)
			all.Ignores = append(all.Ignores, f.watch.Ignores...)
		}
	}
	return all
}

// configMapDisableSource is v1alpha1.config_map_disable_source(name, key).
type configMapDisableSource struct {
	Part `builtin:"v1alpha1.config_map_disable_source"`
	Name string `arg:"name??"`
	Key  string `arg:"key??"`
}

// disableSource is v1alpha1.disable_source(config_map, every_config_map). It is what disables an object.
type disableSource struct {
	Part  `builtin:"v1alpha1.disable_source"`
	One   partOf[configMapDisableSource]   `arg:"config_map??"`
	Every partList[configMapDisableSource] `arg:"every_config_map??"`
}

func (s *disableSource) check() error {
	return exactlyOne("config_map and every_config_map", s.One.part != nil, len(s.Every) > 0)
}

// isDisabled returns whether every config map of a source disables its owner. This doesn't change later: nothing
// changes a config map after the evaluation.
func (o *Objects) isDisabled(owner string, source *disableSource, enabled model.Selection) bool {
	if source == nil {
		return false
	}
	all := source.Every
	if source.One.part != nil {
		all = append(all, source.One.part)
	}
	for _, s := range all {
		if !o.disables(s, owner, enabled) {
			return false
		}
	}
	return true
}

// disables returns whether a config map disables its owner. A missing or invalid one does: in Tilt the object waits
// for it.
func (o *Objects) disables(s *configMapDisableSource, owner string, enabled model.Selection) bool {
	data, defined := o.configMaps[s.Name]
	if !defined {
		// Each resource has a config map in Tilt.
		resource, ok := strings.CutSuffix(s.Name, "-disable")
		if ok && s.Key == "isDisabled" && o.evaluation.HasResource(resource) {
			return !enabled.Contains(resource)
		}
		o.evaluation.Warn("%s is disabled: there is no v1alpha1.config_map named %q", owner, s.Name)
		return true
	}
	disabled, err := strconv.ParseBool(data[s.Key])
	if err != nil {
		o.evaluation.Warn("%s is disabled: key %q of v1alpha1.config_map %q is neither \"true\" nor \"false\"",
			owner, s.Key, s.Name)
		return true
	}
	return disabled
}
