// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/data"
)

// Text is an argument that is a string or a blob.
type Text string

// Unpack implements starlark.Unpacker.
func (t *Text) Unpack(v starlark.Value) error {
	s, ok := data.AsText(v)
	if !ok {
		return fmt.Errorf("got %s, want string or blob", v.Type())
	}
	*t = Text(s)
	return nil
}

// Path is an argument that names a file or a directory: a string, a blob or a git repository.
type Path string

// Unpack implements starlark.Unpacker.
func (p *Path) Unpack(v starlark.Value) error {
	if repo, ok := v.(gitRepo); ok {
		*p = Path(repo)
		return nil
	}
	if (*Text)(p).Unpack(v) != nil {
		return fmt.Errorf("got %s, want a path as a string", v.Type())
	}
	if strings.Contains(string(*p), "\x00") {
		return fmt.Errorf("invalid path %q", string(*p))
	}
	return nil
}

// OnePath has the parameter of a builtin that takes one path.
type OnePath struct {
	Path Path `arg:"path,alias=paths"`
}

// PathList is a path or a list of paths.
type PathList []string

// Unpack implements starlark.Unpacker.
func (l *PathList) Unpack(v starlark.Value) error {
	for _, element := range ElementsOf(v) {
		var path Path
		if err := path.Unpack(element); err != nil {
			return fmt.Errorf("%w or a list of them", err)
		}
		*l = append(*l, string(path))
	}
	return nil
}

// StringList is a string or a list of strings.
type StringList []string

// Unpack implements starlark.Unpacker.
func (l *StringList) Unpack(v starlark.Value) (err error) {
	if one, ok := data.AsText(v); ok {
		*l = StringList{one}
		return nil
	}
	*l, err = stringsOf(v, "string or list of strings")
	return err
}

// Sequence is a list of strings. A string isn't one: each of its characters would be meant.
type Sequence []string

// Unpack implements starlark.Unpacker.
func (s *Sequence) Unpack(v starlark.Value) error {
	if _, ok := starlark.AsString(v); ok {
		return errors.New("got string, want a list of strings")
	}
	return (*StringList)(s).Unpack(v)
}

// Flag is a bool that knows whether it was left out.
type Flag struct{ given *bool }

// Unpack implements starlark.Unpacker.
func (f *Flag) Unpack(v starlark.Value) error {
	value, ok := v.(starlark.Bool)
	if !ok {
		return fmt.Errorf("got %s, want bool", v.Type())
	}
	f.given = (*bool)(&value)
	return nil
}

// Set sets the value to that of the flag, unless it was left out.
func (f Flag) Set(value *bool) {
	if f.given != nil {
		*value = *f.given
	}
}

// stringsOf returns the strings in a list. The error for another value says what is wanted instead.
func stringsOf(v starlark.Value, wanted string) ([]string, error) {
	if !isList(v) {
		return nil, fmt.Errorf("got %s, want %s", v.Type(), wanted)
	}
	all := []string{}
	for _, element := range ElementsOf(v) {
		s, ok := data.AsText(element)
		if !ok {
			return nil, fmt.Errorf("in a list of strings: got %s, want string", element.Type())
		}
		all = append(all, s)
	}
	return all, nil
}

// isList returns whether v is a list, a tuple or a set. A dict isn't: only its keys would be used.
func isList(v starlark.Value) bool {
	switch v.(type) {
	case *starlark.List, starlark.Tuple, *starlark.Set:
		return true
	}
	return false
}

// ElementsOf returns the elements of a list, or else the value itself.
func ElementsOf(v starlark.Value) []starlark.Value {
	if !isList(v) {
		return []starlark.Value{v}
	}
	return slices.Collect(starlark.Elements(v.(starlark.Iterable)))
}

// program is a program with its arguments.
type program []string

func (p *program) Unpack(v starlark.Value) (err error) {
	if *p, err = stringsOf(v, "list of strings"); err == nil && len(*p) == 0 {
		err = errors.New("must not be empty")
	}
	return err
}

// CommandLine is a script for the shell or a program with its arguments. The pointer is nil for an empty one.
type CommandLine struct{ *model.Command }

// Unpack implements starlark.Unpacker.
func (c *CommandLine) Unpack(v starlark.Value) error {
	var argv StringList
	if err := argv.Unpack(v); err != nil {
		return err
	}
	if script, ok := data.AsText(v); ok {
		c.Command = model.ShellCommand(script)
	} else if len(argv) > 0 {
		c.Command = &model.Command{Argv: argv}
	}
	return nil
}

// Placed returns a command with its directory and environment, nil for none.
func (e *Evaluation) Placed(c CommandLine, dir Path, env Environment) *model.Command {
	if c.Command == nil {
		return nil
	}
	return &model.Command{Argv: c.Argv, Dir: e.Absolute(string(dir)), Env: env}
}

// stringItem returns the text of a key and a value in a dict of strings.
func stringItem(key, value starlark.Value) (k, v string, err error) {
	k, okKey := data.AsText(key)
	v, okValue := data.AsText(value)
	if !okKey || !okValue {
		err = fmt.Errorf("got %s: %s, want string: string", key, value)
	}
	return k, v, err
}

// StringMap is a dict of strings.
type StringMap map[string]string

// Unpack implements starlark.Unpacker.
func (m *StringMap) Unpack(v starlark.Value) error {
	dict, ok := v.(starlark.IterableMapping)
	if !ok {
		return fmt.Errorf("got %s, want dict of strings", v.Type())
	}
	*m = StringMap{}
	for _, item := range dict.Items() {
		key, value, err := stringItem(item[0], item[1])
		if err != nil {
			return err
		}
		(*m)[key] = value
	}
	return nil
}

// Environment is a dict of variables as "KEY=value" entries in sorted order.
type Environment []string

// Unpack implements starlark.Unpacker.
func (e *Environment) Unpack(v starlark.Value) error {
	var variables StringMap
	if err := variables.Unpack(v); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(variables)) {
		if err := checkVariable(key, variables[key]); err != nil {
			return err
		}
		*e = append(*e, key+"="+variables[key])
	}
	return nil
}

// checkVariable returns an error for what can't be an environment variable.
func checkVariable(key, value string) error {
	switch {
	case key == "":
		return errors.New("the name of an environment variable must not be empty")
	case strings.ContainsAny(key, "=\x00"), strings.Contains(value, "\x00"):
		return fmt.Errorf("invalid environment variable %q=%q", key, value)
	}
	return nil
}

// ResourceName is the name of a new resource or object.
type ResourceName string

// Unpack implements starlark.Unpacker.
func (n *ResourceName) Unpack(v starlark.Value) error {
	if err := (*Text)(n).Unpack(v); err != nil {
		return err
	}
	return model.ValidateName(string(*n))
}

// duration is a string such as "5m30s". It is nil when the argument is left out.
type duration struct{ *time.Duration }

func (d *duration) Unpack(v starlark.Value) error {
	s, ok := starlark.AsString(v)
	if !ok {
		return fmt.Errorf("got %s, want a duration as a string, such as \"5m30s\"", v.Type())
	}
	parsed, err := time.ParseDuration(s)
	if err != nil {
		return err
	}
	if parsed < 0 {
		return fmt.Errorf("duration %q must not be negative", s)
	}
	d.Duration = &parsed
	return nil
}

// count is how often something happens.
type count int

func (c *count) Unpack(v starlark.Value) error {
	var n int32
	if err := starlark.AsInt(v, &n); err != nil {
		return err
	}
	if n < 0 {
		return fmt.Errorf("must not be negative, got %d", n)
	}
	*c = count(n)
	return nil
}
