// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/tiltfile/data"
)

// Environ is the environment of an evaluation. A Tiltfile uses it as a dict of
// strings.
type Environ struct {
	*starlark.Dict
	evaluation *Evaluation
	initial    map[string]string
}

var (
	_ starlark.IterableMapping = (*Environ)(nil)
	_ starlark.Sequence        = (*Environ)(nil)
	_ starlark.HasSetKey       = (*Environ)(nil)
	_ starlark.HasAttrs        = (*Environ)(nil)
)

// NewEnviron returns an environment of "KEY=value" entries. The last one of a key
// counts; invalid ones are dropped.
func NewEnviron(e *Evaluation, entries []string) *Environ {
	v := &Environ{new(starlark.Dict), e, map[string]string{}}
	for _, entry := range entries {
		if key, value, ok := strings.Cut(entry, "="); ok {
			v.initial[key] = value
		}
	}
	for _, key := range slices.Sorted(maps.Keys(v.initial)) {
		if v.set(key, v.initial[key]) != nil {
			delete(v.initial, key)
		}
	}
	return v
}

// Library returns the builtins of os, without os.path.
func (v *Environ) Library() Library {
	l := Functions(map[string]Function{
		"os.getcwd":   v.getcwd,
		"os.getenv":   v.getenv,
		"os.putenv":   v.putenv,
		"os.unsetenv": v.unsetenv,
	})
	l["os.environ"] = v
	l["os.name"] = starlark.String("posix")
	if runtime.GOOS == "windows" {
		l["os.name"] = starlark.String("nt")
	}
	return l
}

// variables returns the current environment.
func (v *Environ) variables() map[string]string {
	variables := make(map[string]string, v.Len())
	for key, value := range starlark.Entries(v.Dict) {
		variables[string(key.(starlark.String))] = string(value.(starlark.String))
	}
	return variables
}

// entries returns the environment as "KEY=value" entries.
func (v *Environ) entries() []string {
	var entries []string
	for key, value := range v.variables() {
		entries = append(entries, key+"="+value)
	}
	slices.Sort(entries)
	return entries
}

// Changes returns the variables that differ from the initial ones, nil for a
// variable that was removed.
func (v *Environ) Changes() map[string]*string {
	changes, current := map[string]*string{}, v.variables()
	for key, value := range current {
		if before, ok := v.initial[key]; !ok || before != value {
			changes[key] = &value
		}
	}
	for key := range v.initial {
		if _, ok := current[key]; !ok {
			changes[key] = nil
		}
	}
	return changes
}

func (v *Environ) set(key, value string) error {
	if err := checkVariable(key, value); err != nil {
		return err
	}
	return v.Dict.SetKey(starlark.String(key), starlark.String(value))
}

// SetKey implements starlark.HasSetKey.
func (v *Environ) SetKey(key, value starlark.Value) error {
	k, s, err := stringItem(key, value)
	if err != nil {
		return err
	}
	return v.set(k, s)
}

// Get implements starlark.Mapping.
func (v *Environ) Get(key starlark.Value) (starlark.Value, bool, error) {
	return v.Dict.Get(withoutBlob(key))
}

// withoutBlob returns a blob as a string, and another value as it is.
func withoutBlob(v starlark.Value) starlark.Value {
	if b, ok := v.(data.Blob); ok {
		return starlark.String(b)
	}
	return v
}

// Attr implements starlark.HasAttrs: the environment has the methods of a dict.
func (v *Environ) Attr(name string) (starlark.Value, error) {
	method, err := v.Dict.Attr(name)
	if method == nil || err != nil {
		return nil, err
	}
	return builtin("os.environ."+name, func(c *Call) (starlark.Value, error) {
		args := slices.Clone(c.Args)
		for i := range args {
			args[i] = withoutBlob(args[i])
		}
		switch name {
		case "setdefault":
			var key, value Text
			if err := starlark.UnpackPositionalArgs(c.Name, args, c.Kwargs, 2, &key, &value); err != nil {
				return nil, err
			}
			if _, found, _ := v.Get(starlark.String(key)); !found {
				err = v.set(string(key), string(value))
			}
			current, _, _ := v.Get(starlark.String(key))
			return current, err
		case "update":
			return nil, v.update(c.Thread, args, c.Kwargs)
		}
		return method.(*starlark.Builtin).CallInternal(c.Thread, args, c.Kwargs)
	}), nil
}

// update is dict.update for strings.
func (v *Environ) update(thread *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple) error {
	changes := new(starlark.Dict)
	update, err := changes.Attr("update")
	if err != nil {
		return err
	}
	if _, err := update.(*starlark.Builtin).CallInternal(thread, args, kwargs); err != nil {
		return err
	}
	for key, value := range starlark.Entries(changes) {
		if err := v.SetKey(key, value); err != nil {
			return err
		}
	}
	return nil
}

// Iterate implements starlark.Iterable. The iteration is over the variables that
// exist at its beginning, so that the Tiltfile can change them meanwhile.
func (v *Environ) Iterate() starlark.Iterator { return starlark.NewList(v.Keys()).Iterate() }

// String doesn't contain the variables: they may be secrets.
func (v *Environ) String() string { return fmt.Sprintf("<environ of %d variables>", v.Len()) }

// Type implements starlark.Value.
func (v *Environ) Type() string { return "environ" }

// Freeze implements starlark.Value. All files share the environment, which stays
// writable.
func (v *Environ) Freeze() {}

// getcwd is os.getcwd(): the directory for relative paths.
func (v *Environ) getcwd(c *Call) (starlark.Value, error) {
	return starlark.String(v.evaluation.Directory()), c.Unpack(&struct{}{})
}

// getenv is os.getenv(key, default=None).
func (v *Environ) getenv(c *Call) (starlark.Value, error) {
	var a struct {
		Key     Text           `arg:"key"`
		Default starlark.Value `arg:"default?"`
	}
	if err := c.Unpack(&a); err != nil {
		return nil, err
	}
	if value, found, err := v.Get(starlark.String(a.Key)); found || err != nil {
		return value, err
	}
	return a.Default, nil
}

// putenv is os.putenv(key, value).
func (v *Environ) putenv(c *Call) (starlark.Value, error) {
	var a struct {
		Key   Text `arg:"key"`
		Value Text `arg:"value"`
	}
	if err := c.Unpack(&a); err != nil {
		return nil, err
	}
	return nil, v.set(string(a.Key), string(a.Value))
}

// unsetenv is os.unsetenv(key).
func (v *Environ) unsetenv(c *Call) (starlark.Value, error) {
	var a struct {
		Key Text `arg:"key"`
	}
	if err := c.Unpack(&a); err != nil {
		return nil, err
	}
	_, _, err := v.Delete(starlark.String(a.Key))
	return nil, err
}
