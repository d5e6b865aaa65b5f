// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package config has the builtins by which a Tiltfile defines its own settings and chooses the resources that start
// enabled.
//
// A Tiltfile defines a setting with config.define_*. Its value comes from the arguments, as a flag or as the
// positional arguments, or else from the file tilt_config.json in the directory of the Tiltfile that calls
// config.parse(). Without config.parse() the arguments are the names of the resources to enable.
package config

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/pflag"
	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/builtins"
	"tilt.dev/session/pkg/tiltfile/data"
)

// Config holds the settings of each scope of an evaluation.
type Config struct {
	evaluation *builtins.Evaluation
	scopes     map[*builtins.Scope]*scope
}

// scope is the state of one scope.
type scope struct {
	// settings are in the order of their definition.
	settings []*setting
	// parsedIn is the directory of the file that called config.parse(), "" before that.
	parsedIn string
	// enable returns the resources that the Tiltfile enables, nil if it doesn't choose.
	enable func([]model.Resource) (model.Selection, error)
}

// New returns the settings of an evaluation.
func New(e *builtins.Evaluation) *Config { return &Config{e, map[*builtins.Scope]*scope{}} }

// Library returns the builtins.
func (c *Config) Library() builtins.Library {
	l := builtins.Functions(map[string]builtins.Function{
		"config.clear_enabled_resources": builtins.Unpacking(c.clearEnabledResources),
		"config.define_bool":             c.define(kindBool),
		"config.define_object":           c.define(kindObject),
		"config.define_string":           c.define(kindString),
		"config.define_string_list":      c.define(kindStrings),
		"config.parse":                   builtins.Unpacking(c.parse),
		"config.set_enabled_resources":   builtins.Unpacking(c.setEnabledResources),
	})
	l["config.main_dir"] = starlark.String(c.evaluation.MainDirectory())
	l["config.main_path"] = starlark.String(c.evaluation.Path)
	l["config.tilt_subcommand"] = starlark.String(c.evaluation.Subcommand)
	return l
}

// scope returns the state of the scope that is being executed.
func (c *Config) scope() *scope {
	s := c.scopes[c.evaluation.Scope]
	if s == nil {
		s = &scope{}
		c.scopes[c.evaluation.Scope] = s
	}
	return s
}

// Enabled returns which of the resources of a scope start enabled. The arguments name them, unless the Tiltfile
// chooses or parses the arguments itself.
func (c *Config) Enabled(in *builtins.Scope, resources []model.Resource) (model.Selection, error) {
	s := c.scopes[in]
	switch {
	case s != nil && s.enable != nil:
		return s.enable(resources)
	case s != nil && s.parsedIn != "":
		return model.Selection{All: true}, nil
	}
	return c.evaluation.Select(resources, in.Args)
}

// define is config.define_bool(name, args=False, usage="") and its like.
func (c *Config) define(kind kind) builtins.Function {
	return func(call *builtins.Call) (starlark.Value, error) {
		s, scope := &setting{kind: kind}, c.scope()
		if err := call.Unpack(s); err != nil {
			return nil, err
		}
		switch {
		case s.Name == "":
			return nil, errors.New("'name' is required")
		case scope.parsedIn != "":
			return nil, fmt.Errorf("%s cannot be called after config.parse is called", call.Name)
		}
		for _, other := range scope.settings {
			switch {
			case other.Name == s.Name:
				return nil, fmt.Errorf("%s defined multiple times", s.Name)
			case other.Positional && s.Positional:
				return nil, fmt.Errorf("both %s and %s are defined as positional args", other.Name, s.Name)
			}
		}
		scope.settings = append(scope.settings, s)
		return nil, nil
	}
}

// setEnabledResources is config.set_enabled_resources(resources): only these resources and their dependencies start
// enabled. An empty list enables all.
func (c *Config) setEnabledResources(a struct {
	Names builtins.StringList `arg:"resources"`
}) (starlark.Value, error) {
	c.scope().enable = func(resources []model.Resource) (model.Selection, error) {
		return c.evaluation.Select(resources, a.Names)
	}
	return nil, nil
}

// clearEnabledResources is config.clear_enabled_resources(): no resource starts enabled.
func (c *Config) clearEnabledResources(struct{}) (starlark.Value, error) {
	c.scope().enable = func([]model.Resource) (model.Selection, error) { return model.Selection{}, nil }
	return nil, nil
}

// kind is the type of a setting as messages name it.
type kind string

const (
	kindBool    kind = "bool"
	kindObject  kind = "object"
	kindString  kind = "string"
	kindStrings kind = "list[string]"
)

// setting is defined by a call of config.define_*; its fields are the parameters.
type setting struct {
	kind kind
	Name string `arg:"name"`
	// Positional settings get the arguments that aren't flags.
	Positional bool   `arg:"args??"`
	Usage      string `arg:"usage??"`
	// value is that in the arguments, nil for none.
	value starlark.Value
}

// fromJSON returns the value for decoded JSON, nil for null.
func (s *setting) fromJSON(decoded any) (starlark.Value, error) {
	if decoded == nil {
		return nil, nil
	}
	list, isList := decoded.([]any)
	switch {
	case s.kind == kindStrings && !isList:
		return nil, fmt.Errorf("expected array of strings, found %s", typeOf(decoded))
	case s.kind == kindStrings:
		for _, element := range list {
			if typeOf(element) != string(kindString) {
				return nil, fmt.Errorf("expected string, found %s in the array", typeOf(element))
			}
		}
	case typeOf(decoded) != string(s.kind) && s.kind != kindObject:
		return nil, fmt.Errorf("expected %s, found %s", s.kind, typeOf(decoded))
	}
	return data.FromJSON(decoded)
}

// typeOf returns the name of a decoded value's type in JSON.
func typeOf(decoded any) string {
	switch decoded.(type) {
	case nil:
		return "null"
	case bool:
		return "bool"
	case string:
		return "string"
	case float64:
		return "number"
	case []any:
		return "array"
	}
	return "object"
}

var _ pflag.Value = (*setting)(nil)

// Set implements pflag.Value. Only lists can be given in several parts.
func (s *setting) Set(text string) (err error) {
	list, _ := s.value.(*starlark.List)
	switch {
	case s.kind == kindStrings && list == nil:
		s.value = starlark.NewList([]starlark.Value{starlark.String(text)})
	case s.kind == kindStrings:
		return list.Append(starlark.String(text))
	case s.value != nil:
		return fmt.Errorf("%s settings can only be specified once. multiple values found (last value: %s)",
			s.kind, text)
	case s.kind == kindBool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return errors.New("expected true or false")
		}
		s.value = starlark.Bool(b)
	case s.kind == kindObject:
		decoded, err := data.UnmarshalJSON([]byte(text))
		if err != nil {
			return fmt.Errorf("error parsing JSON: %w", err)
		}
		s.value, err = data.FromJSON(decoded)
		return err
	default:
		s.value = starlark.String(text)
	}
	return nil
}

// Type implements pflag.Value: the type in the usage.
func (s *setting) Type() string { return string(s.kind) }

// String implements pflag.Value. Settings have no default that the usage could show.
func (s *setting) String() string { return "" }
