// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/tiltfile/data"
)

// Environ is the environment of an evaluation. A Tiltfile uses it as a dict of strings.
type Environ struct {
	*starlark.Dict
	evaluation *Evaluation
	initial    map[string]string
}

var (
	_ starlark.IterableMapping = (*Environ)(nil)
	_ starlark.HasSetKey       = (*Environ)(nil)
	_ starlark.HasAttrs        = (*Environ)(nil)
)

// NewEnviron returns the environment at the beginning of an evaluation, without invalid entries.
func NewEnviron(e *Evaluation) *Environ {
	v := &Environ{new(starlark.Dict), e, map[string]string{}}
	for _, entry := range e.Environ {
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

// Library returns local, and the builtins of sys and os without os.path.
func (v *Environ) Library() Library {
	argv := stringValues(v.evaluation.Argv)
	argv.Freeze()
	l := Functions(map[string]Function{
		"local":       Unpacking(v.local),
		"os.getcwd":   Unpacking(v.getcwd),
		"os.getenv":   Unpacking(v.getenv),
		"os.putenv":   Unpacking(v.putenv),
		"os.unsetenv": Unpacking(v.unsetenv),
	})
	l["os.environ"] = v
	l["os.name"] = starlark.String("posix")
	l["sys.argv"], l["sys.executable"] = argv, starlark.None
	if executable := v.evaluation.Executable; executable != "" {
		l["sys.executable"] = starlark.String(executable)
	}
	return l
}

// Entries returns the environment as "KEY=value" entries.
func (v *Environ) Entries() []string {
	var entries []string
	for key, value := range starlark.Entries(v.Dict) {
		entries = append(entries, string(key.(starlark.String))+"="+string(value.(starlark.String)))
	}
	return entries
}

// Changes returns the variables that differ from the initial ones, nil for a variable that was removed.
func (v *Environ) Changes() map[string]*string {
	changes := map[string]*string{}
	for key := range v.initial {
		changes[key] = nil
	}
	for _, entry := range v.Entries() {
		key, value, _ := strings.Cut(entry, "=")
		changes[key] = &value
		if before, ok := v.initial[key]; ok && before == value {
			delete(changes, key)
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
	if text, ok := data.AsText(key); ok {
		key = starlark.String(text)
	}
	return v.Dict.Get(key)
}

// Attr implements starlark.HasAttrs: the environment has the methods of a dict. A method changes a copy, which is
// checked before it becomes the environment.
func (v *Environ) Attr(name string) (starlark.Value, error) {
	if !slices.Contains(v.AttrNames(), name) {
		return nil, nil
	}
	return builtin("os.environ."+name, func(c *Call) (starlark.Value, error) {
		changed := v.Union(new(starlark.Dict))
		method, err := changed.Attr(name)
		if err != nil {
			return nil, err
		}
		result, err := method.(*starlark.Builtin).CallInternal(c.Thread, c.Args, c.Kwargs)
		if err != nil {
			return nil, err
		}
		checked := &Environ{Dict: new(starlark.Dict)}
		for key, value := range starlark.Entries(changed) {
			if err := checked.SetKey(key, value); err != nil {
				return nil, err
			}
		}
		v.Dict = checked.Dict
		return result, nil
	}), nil
}

// Iterate implements starlark.Iterable. The iteration is over the variables that exist at its beginning, so that the
// Tiltfile can change them meanwhile.
func (v *Environ) Iterate() starlark.Iterator { return starlark.NewList(v.Keys()).Iterate() }

// String doesn't contain the variables: they may be secrets.
func (v *Environ) String() string { return fmt.Sprintf("<environ of %d variables>", v.Len()) }

// Type implements starlark.Value.
func (v *Environ) Type() string { return "environ" }

// Freeze implements starlark.Value. All files share the environment, which stays writable.
func (v *Environ) Freeze() {}

// getcwd is os.getcwd(): the directory for relative paths.
func (v *Environ) getcwd(struct{}) (starlark.Value, error) {
	return starlark.String(v.evaluation.Directory()), nil
}

// getenv is os.getenv(key, default=None).
func (v *Environ) getenv(a struct {
	Key     Text           `arg:"key"`
	Default starlark.Value `arg:"default?"`
}) (starlark.Value, error) {
	if value, found, err := v.Get(starlark.String(a.Key)); found || err != nil {
		return value, err
	}
	return a.Default, nil
}

// putenv is os.putenv(key, value).
func (v *Environ) putenv(a struct {
	Key   Text `arg:"key"`
	Value Text `arg:"value"`
}) (starlark.Value, error) {
	return nil, v.set(string(a.Key), string(a.Value))
}

// unsetenv is os.unsetenv(key).
func (v *Environ) unsetenv(a struct {
	Key Text `arg:"key"`
}) (starlark.Value, error) {
	_, _, err := v.Delete(starlark.String(a.Key))
	return nil, err
}

// stringValues returns a list of strings.
func stringValues(words []string) *starlark.List {
	var values []starlark.Value
	for _, word := range words {
		values = append(values, starlark.String(word))
	}
	return starlark.NewList(values)
}
