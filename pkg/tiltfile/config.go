// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"errors"
	"fmt"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/model"
)

// config is what the Tiltfile does with its arguments, and which resources it
// wants enabled.
type config struct {
	// settings are in the order of their definition.
	settings []*setting
	// parsedIn is the directory of the file that called config.parse(), ""
	// before that.
	parsedIn string
	// choose returns the resources that the Tiltfile wants enabled, nil if it
	// doesn't say.
	choose func([]model.Resource) (model.Selection, error)
}

// configLibrary has how the program was called and what to make of it.
func (e *evaluation) configLibrary() library {
	l := functions(map[string]function{
		"config.clear_enabled_resources": e.clearEnabledResources,
		"config.define_bool":             e.defineSetting(settingBool),
		"config.define_object":           e.defineSetting(settingObject),
		"config.define_string":           e.defineSetting(settingString),
		"config.define_string_list":      e.defineSetting(settingStrings),
		"config.parse":                   e.parseConfig,
		"config.set_enabled_resources":   e.setEnabledResources,
	})
	l["config.main_dir"] = starlark.String(e.directoryOf(e.options.Path))
	l["config.main_path"] = starlark.String(e.options.Path)
	l["config.tilt_subcommand"] = starlark.String(e.options.Subcommand)
	return l
}

// defineSetting is config.define_bool(name, args=False, usage="") and the like.
func (e *evaluation) defineSetting(kind settingKind) function {
	return func(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		s := &setting{kind: kind}
		err := starlark.UnpackArgs(fn.Name(), args, kwargs, "name", &s.name, "args??", &s.positional, "usage??", &s.usage)
		switch {
		case err != nil:
			return nil, err
		case s.name == "":
			return nil, errors.New("'name' is required")
		case e.config.parsedIn != "":
			return nil, fmt.Errorf("%s cannot be called after config.parse is called", fn.Name())
		}
		for _, other := range e.config.settings {
			switch {
			case other.name == s.name:
				return nil, fmt.Errorf("%s defined multiple times", s.name)
			case other.positional && s.positional:
				return nil, fmt.Errorf("both %s and %s are defined as positional args", other.name, s.name)
			}
		}
		e.config.settings = append(e.config.settings, s)
		return starlark.None, nil
	}
}

// setEnabledResources is config.set_enabled_resources(resources): no other
// resources start enabled, except what these depend on. An empty list is all
// of them.
func (e *evaluation) setEnabledResources(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var names stringList
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "resources", &names); err != nil {
		return nil, err
	}
	e.config.choose = func(resources []model.Resource) (model.Selection, error) {
		return model.SelectResources(resources, names)
	}
	return starlark.None, nil
}

// clearEnabledResources is config.clear_enabled_resources(): no resource starts
// enabled.
func (e *evaluation) clearEnabledResources(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs); err != nil {
		return nil, err
	}
	e.config.choose = func([]model.Resource) (model.Selection, error) { return model.Selection{}, nil }
	return starlark.None, nil
}
