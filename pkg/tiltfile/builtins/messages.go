// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"errors"
	"strings"

	"go.starlark.net/starlark"
)

// Messages returns the builtins that log a message or end the evaluation.
func (e *Evaluation) Messages() Library {
	return Functions(map[string]Function{
		"exit":  Unpacking(e.exit),
		"fail":  fail,
		"print": universal,
		"repr":  universal,
		"str":   universal,
		"warn":  Unpacking(e.warn),
	})
}

// universal is a function of Starlark itself that prints its arguments.
func universal(c *Call) (starlark.Value, error) {
	return starlark.Universe[c.Name].(*starlark.Builtin).CallInternal(c.Thread, c.Args, c.Kwargs)
}

// fail is fail(*messages, sep=" "), and as in Tilt fail(msg=).
func fail(c *Call) (starlark.Value, error) {
	separator := " "
	var message starlark.Value
	if err := starlark.UnpackArgs(c.Name, nil, c.Kwargs, "sep?", &separator, "msg?", &message); err != nil {
		return nil, err
	}
	var words []string
	for _, arg := range c.Args {
		words = append(words, plain(arg))
	}
	if message != nil {
		words = append(words, plain(message))
	}
	return nil, errors.New(strings.Join(words, separator))
}

// plain returns a value as print writes it: strings without quotes.
func plain(v starlark.Value) string {
	if s, ok := starlark.AsString(v); ok {
		return s
	}
	return v.String()
}

// warn is warn(message).
func (e *Evaluation) warn(a struct {
	Message starlark.Value `arg:"msg"`
}) (starlark.Value, error) {
	e.Warn("%s", plain(a.Message))
	return nil, nil
}

// ErrExit is the error of exit(), which ends an evaluation with success.
var ErrExit = errors.New("exit")

// exit is exit(code=None): it ends the evaluation with what is defined so far.
func (e *Evaluation) exit(a struct {
	Code starlark.Value `arg:"code??"`
}) (starlark.Value, error) {
	if a.Code != nil {
		e.Info(a.Code.String())
	}
	return nil, ErrExit
}
