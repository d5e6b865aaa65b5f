// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/model"
)

// text is an argument that's a string or a blob.
type text string

// Unpack implements starlark.Unpacker.
func (t *text) Unpack(v starlark.Value) error {
	s, ok := asText(v)
	if !ok {
		return fmt.Errorf("got %s, want string or blob", v.Type())
	}
	*t = text(s)
	return nil
}

// asText returns the text of a string or a blob. It's for what a Tiltfile may
// have from a file or a command.
func asText(v starlark.Value) (string, bool) {
	if b, ok := v.(blob); ok {
		return string(b), true
	}
	return starlark.AsString(v)
}

// alias returns keyword arguments in which the one that's called other has the
// name that messages use. Tilt's functions don't always call their parameters as
// its documentation does.
func alias(kwargs []starlark.Tuple, other, name string) []starlark.Tuple {
	renamed := slices.Clone(kwargs)
	for i, argument := range renamed {
		if argument[0] == starlark.String(other) {
			renamed[i] = starlark.Tuple{starlark.String(name), argument[1]}
		}
	}
	return renamed
}

// localPath is an argument that names a file or a directory: a string, a blob,
// or a repository.
type localPath string

// Unpack implements starlark.Unpacker.
func (p *localPath) Unpack(v starlark.Value) error {
	if repo, ok := v.(*gitRepo); ok {
		*p = localPath(repo.root)
		return nil
	}
	if (*text)(p).Unpack(v) != nil {
		return fmt.Errorf("got %s, want a path as a string", v.Type())
	}
	if strings.Contains(string(*p), "\x00") {
		return fmt.Errorf("invalid path %q", string(*p))
	}
	return nil
}

// pathList is a path or a list of them.
type pathList []string

// Unpack implements starlark.Unpacker.
func (l *pathList) Unpack(v starlark.Value) error {
	sequence, ok := sequenceOf(v)
	if !ok {
		sequence = starlark.Tuple{v}
	}
	*l = nil
	for element := range starlark.Elements(sequence) {
		var path localPath
		if err := path.Unpack(element); err != nil {
			return fmt.Errorf("%w or a list of them", err)
		}
		*l = append(*l, string(path))
	}
	return nil
}

// stringList is an argument that's a string or a sequence of strings.
type stringList []string

// Unpack implements starlark.Unpacker.
func (l *stringList) Unpack(v starlark.Value) error {
	var one text
	if one.Unpack(v) == nil {
		*l = stringList{string(one)}
		return nil
	}
	all, err := stringsOf(v, "string or list of strings")
	*l = all
	return err
}

// stringsOf returns the strings in a sequence. The error for another value
// tells what's wanted instead.
func stringsOf(v starlark.Value, wanted string) ([]string, error) {
	sequence, ok := sequenceOf(v)
	if !ok {
		return nil, fmt.Errorf("got %s, want %s", v.Type(), wanted)
	}
	all := make([]string, 0, sequence.Len())
	for element := range starlark.Elements(sequence) {
		var s text
		if err := s.Unpack(element); err != nil {
			return nil, fmt.Errorf("in a list of strings: got %s, want string", element.Type())
		}
		all = append(all, string(s))
	}
	return all, nil
}

// sequenceOf returns v if it's a list of things, rather than one thing: a dict,
// of which only the keys would be used, isn't.
func sequenceOf(v starlark.Value) (starlark.Sequence, bool) {
	switch v := v.(type) {
	case *starlark.List:
		return v, true
	case starlark.Tuple:
		return v, true
	case *starlark.Set:
		return v, true
	}
	return nil, false
}

// commandArgument is a script for the shell or a program with its arguments.
// Nothing to run leaves the command nil.
type commandArgument struct{ *model.Command }

// Unpack implements starlark.Unpacker.
func (c *commandArgument) Unpack(v starlark.Value) error {
	var script text
	if script.Unpack(v) == nil {
		c.Command = model.ShellCommand(string(script))
		return nil
	}
	argv, err := stringsOf(v, "string or list of strings")
	if err != nil {
		return err
	}
	if len(argv) > 0 {
		c.Command = &model.Command{Argv: argv}
	}
	return nil
}

// stringItems returns the keys and values of a dict of strings in its order.
func stringItems(v starlark.Value) ([][2]string, error) {
	dict, ok := v.(starlark.IterableMapping)
	if !ok {
		return nil, fmt.Errorf("got %s, want dict of strings", v.Type())
	}
	var items [][2]string
	for _, item := range dict.Items() {
		key, okKey := asText(item[0])
		value, okValue := asText(item[1])
		if !okKey || !okValue {
			return nil, fmt.Errorf("got %s: %s, want string: string", item[0], item[1])
		}
		items = append(items, [2]string{key, value})
	}
	return items, nil
}

// stringMap is a dict of strings.
type stringMap map[string]string

// Unpack implements starlark.Unpacker.
func (m *stringMap) Unpack(v starlark.Value) error {
	items, err := stringItems(v)
	*m = make(stringMap, len(items))
	for _, item := range items {
		(*m)[item[0]] = item[1]
	}
	return err
}

// environment is a dict of variables as "KEY=value" entries.
type environment []string

// Unpack implements starlark.Unpacker.
func (e *environment) Unpack(v starlark.Value) error {
	items, err := stringItems(v)
	if err != nil {
		return err
	}
	*e = nil
	for _, item := range items {
		if err := checkVariable(item[0], item[1]); err != nil {
			return err
		}
		*e = append(*e, item[0]+"="+item[1])
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

// resourceName is an argument that names a new resource.
type resourceName string

// Unpack implements starlark.Unpacker.
func (n *resourceName) Unpack(v starlark.Value) error {
	s, ok := asText(v)
	if !ok {
		return fmt.Errorf("got %s, want string", v.Type())
	}
	*n = resourceName(s)
	return model.ValidateName(s)
}

// labelList is a label or a list of them.
type labelList []string

// Unpack implements starlark.Unpacker.
func (l *labelList) Unpack(v starlark.Value) error {
	if err := (*stringList)(l).Unpack(v); err != nil {
		return err
	}
	for _, label := range *l {
		if err := model.ValidateLabel(label); err != nil {
			return err
		}
	}
	return nil
}

// linkList is a link or a list of them, each as a string or as link() makes it.
type linkList []model.Link

// Unpack implements starlark.Unpacker.
func (l *linkList) Unpack(v starlark.Value) error {
	*l = nil
	sequence, ok := sequenceOf(v)
	if !ok {
		return l.add(v)
	}
	for element := range starlark.Elements(sequence) {
		if err := l.add(element); err != nil {
			return err
		}
	}
	return nil
}

func (l *linkList) add(v starlark.Value) error {
	switch v := v.(type) {
	case *object[model.Link]:
		*l = append(*l, v.value)
	case starlark.String:
		link, err := model.NewLink(string(v), "")
		if err != nil {
			return err
		}
		*l = append(*l, link)
	default:
		return fmt.Errorf("got %s, want string or link", v.Type())
	}
	return nil
}

// optional is an argument of which it's known whether it was given.
type optional[T any, U interface {
	*T
	starlark.Unpacker
}] struct {
	value T
	set   bool
}

// Unpack implements starlark.Unpacker.
func (o *optional[T, U]) Unpack(v starlark.Value) error {
	o.set = true
	return U(&o.value).Unpack(v)
}
