// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"errors"
	"strings"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/logs"
)

func (e *evaluation) messageLibrary() library {
	return functions(map[string]function{"fail": fail, "warn": e.warn, "exit": e.exit})
}

// fail is fail(*messages, sep=" "), and as in Tilt fail(msg=).
func fail(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	separator := " "
	var message starlark.Value
	if err := starlark.UnpackArgs(fn.Name(), nil, kwargs, "sep?", &separator, "msg?", &message); err != nil {
		return nil, err
	}
	if message != nil {
		args = append(args, message)
	}
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = plain(arg)
	}
	return nil, errors.New(strings.Join(words, separator))
}

// plain returns a value as print shows it: strings without quotes.
func plain(v starlark.Value) string {
	if s, ok := starlark.AsString(v); ok {
		return s
	}
	return v.String()
}

// warn is warn(message).
func (e *evaluation) warn(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var message starlark.Value
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "msg", &message); err != nil {
		return nil, err
	}
	e.log(logs.LevelWarn, plain(message))
	return starlark.None, nil
}

// errExit ends an evaluation well.
var errExit = errors.New("exit")

// exit is exit(code=None): it ends the evaluation with what was defined so far.
func (e *evaluation) exit(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var code starlark.Value
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "code??", &code); err != nil {
		return nil, err
	}
	if code != nil {
		e.log(logs.LevelInfo, code.String())
	}
	return nil, errExit
}
