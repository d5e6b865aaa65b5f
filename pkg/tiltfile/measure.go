// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"errors"
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// textLibrary has the functions of Starlark itself that make something endless
// of something small.
func textLibrary() library {
	return functions(map[string]function{
		"print": measured("print"),
		"range": boundedRange,
		"repr":  measured("repr"),
		"str":   measured("str"),
	})
}

// measured is a function of Starlark that makes a text of its arguments, unless
// that were too large.
func measured(name string) function {
	original := starlark.Universe[name].(*starlark.Builtin)
	return func(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		m := newMeasure(maxText)
		if err := m.addAll(args...); err != nil {
			return nil, err
		}
		return original.CallInternal(thread, args, kwargs)
	}
}

// boundedRange is range(start, stop, step). Nothing else in Starlark stands for
// more elements than there's memory for, so that whatever goes through one ends.
func boundedRange(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	const most = 10_000_000
	v, err := starlark.Universe["range"].(*starlark.Builtin).CallInternal(thread, args, kwargs)
	if err == nil && starlark.Len(v) > most {
		err = fmt.Errorf("a range of %d elements is too long", starlark.Len(v))
	}
	return v, err
}

// measure finds out how long values are as text, before one is made that's
// larger than memory, or endless.
type measure struct {
	room int
	// within are the values around the one that's looked at, each with the
	// number of structs around it.
	within  map[starlark.Value]int
	depth   int
	structs int
}

func newMeasure(room int) *measure { return &measure{room: room, within: map[starlark.Value]int{}} }

// plain returns a value as print shows it: strings without quotes.
func plain(v starlark.Value) (string, error) {
	if s, ok := starlark.AsString(v); ok {
		return s, nil
	}
	if err := newMeasure(maxText).add(v); err != nil {
		return "", err
	}
	return v.String(), nil
}

// brief is a value as it's shown in an error: what it's written as, or else of
// what type it is.
func brief(v starlark.Value) string {
	const most = 200
	if newMeasure(most).add(v) != nil {
		return v.Type()
	}
	return v.String()
}

// add takes room for a value. How deep it is counts as well: that's what
// Starlark looks through in each value for a cycle.
func (m *measure) add(v starlark.Value) error {
	const maxDepth = 1000
	if m.depth > maxDepth {
		return fmt.Errorf("the value is nested more than %d deep", maxDepth)
	}
	switch v := v.(type) {
	case starlark.String:
		return m.use(len(v) + 2)
	case blob:
		return m.use(len(v))
	case starlark.Bytes:
		return m.use(4 * len(v))
	case starlark.Int:
		return m.use(v.BigInt().BitLen()/3 + 2)
	case *starlark.List, *starlark.Dict:
		around, ok := m.within[v]
		if ok && m.structs > around {
			return errors.New("the value contains itself by way of a struct")
		}
		if ok {
			return m.use(5)
		}
		m.within[v] = m.structs
		defer delete(m.within, v)
	case *starlarkstruct.Struct:
		m.structs++
		defer func() { m.structs-- }()
	}
	m.depth++
	defer func() { m.depth-- }()
	return m.addParts(v)
}

// addParts takes room for a value that has others in it.
func (m *measure) addParts(v starlark.Value) error {
	if err := m.use(2 + m.depth); err != nil {
		return err
	}
	switch v := v.(type) {
	case *starlark.Dict:
		for key, value := range starlark.Entries(v) {
			if err := m.addAll(key, value); err != nil {
				return err
			}
		}
	case starlark.Tuple:
		return m.addAll(v...)
	case *starlark.List, *starlark.Set:
		for element := range starlark.Elements(v.(starlark.Iterable)) {
			if err := m.add(element); err != nil {
				return err
			}
		}
	case *starlarkstruct.Struct:
		for _, name := range v.AttrNames() {
			value, err := v.Attr(name)
			if err != nil {
				return err
			}
			if err := m.addAll(starlark.String(name), value); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *measure) addAll(values ...starlark.Value) error {
	for _, v := range values {
		if err := m.add(v); err != nil {
			return err
		}
	}
	return nil
}

func (m *measure) use(length int) error {
	if m.room -= length; m.room < 0 {
		return errors.New("the value is too large as text")
	}
	return nil
}
