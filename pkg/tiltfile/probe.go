// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/model"
)

func probeLibrary() library {
	return functions(map[string]function{
		"probe":             makeProbe,
		"exec_action":       makeExecAction,
		"http_get_action":   makeHTTPGetAction,
		"tcp_socket_action": makeTCPSocketAction,
	})
}

// makeProbe is probe(initial_delay_secs=0, timeout_secs=1, period_secs=10,
// success_threshold=1, failure_threshold=3, exec=, http_get=, tcp_socket=).
func makeProbe(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var p model.Probe
	var delay, timeout, period seconds
	var exec *object[model.ExecAction]
	var get *object[model.HTTPGetAction]
	var socket *object[model.TCPSocketAction]
	err := starlark.UnpackArgs(fn.Name(), args, kwargs,
		"initial_delay_secs??", &delay,
		"timeout_secs??", &timeout,
		"period_secs??", &period,
		"success_threshold??", &p.SuccessThreshold,
		"failure_threshold??", &p.FailureThreshold,
		"exec??", &exec,
		"http_get??", &get,
		"tcp_socket??", &socket,
	)
	if err != nil {
		return nil, err
	}
	p.InitialDelay, p.Timeout, p.Period = time.Duration(delay), time.Duration(timeout), time.Duration(period)
	if exec != nil {
		p.Exec = &exec.value
	}
	if get != nil {
		p.HTTPGet = &get.value
	}
	if socket != nil {
		p.TCPSocket = &socket.value
	}
	checked := p.WithDefaults()
	if err := checked.Validate(); err != nil {
		return nil, err
	}
	return newObject(checked,
		starlark.String("initial_delay_secs"), delay.field(),
		starlark.String("timeout_secs"), timeout.field(),
		starlark.String("period_secs"), period.field(),
		starlark.String("success_threshold"), starlark.MakeInt(p.SuccessThreshold),
		starlark.String("failure_threshold"), starlark.MakeInt(p.FailureThreshold),
		starlark.String("exec"), exec.field(),
		starlark.String("http_get"), get.field(),
		starlark.String("tcp_socket"), socket.field(),
	), nil
}

// seconds is a duration as an int.
type seconds time.Duration

// Unpack implements starlark.Unpacker.
func (s *seconds) Unpack(v starlark.Value) error {
	const most = 1 << 31
	var n int64
	if err := starlark.AsInt(v, &n); err != nil {
		return fmt.Errorf("got %s, want a number of seconds as an int", v.Type())
	}
	if n < -most || n > most {
		return fmt.Errorf("%d seconds are too many", n)
	}
	*s = seconds(time.Duration(n) * time.Second)
	return nil
}

func (s seconds) field() starlark.Value {
	return starlark.MakeInt64(int64(time.Duration(s) / time.Second))
}

// programArgument is a program with its arguments.
type programArgument []string

// Unpack implements starlark.Unpacker.
func (p *programArgument) Unpack(v starlark.Value) error {
	argv, err := stringsOf(v, "list of strings")
	switch {
	case err != nil:
		return err
	case len(argv) == 0:
		return errors.New("must not be empty")
	}
	*p = argv
	return nil
}

// makeExecAction is exec_action(command).
func makeExecAction(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var command programArgument
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "command", &command); err != nil {
		return nil, err
	}
	argv := make([]starlark.Value, len(command))
	for i, word := range command {
		argv[i] = starlark.String(word)
	}
	list := starlark.NewList(argv)
	list.Freeze() // What's appended would not be run.
	return newObject(model.ExecAction{Argv: command}, starlark.String("command"), list), nil
}

// makeHTTPGetAction is http_get_action(port, host="localhost", scheme="http",
// path="/").
func makeHTTPGetAction(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var get model.HTTPGetAction
	err := starlark.UnpackArgs(fn.Name(), args, kwargs,
		"port", &get.Port, "host??", &get.Host, "scheme??", &get.Scheme, "path??", &get.Path)
	if err != nil {
		return nil, err
	}
	given := get
	get.Scheme = strings.ToLower(get.Scheme)
	checked := model.Probe{HTTPGet: &get}.WithDefaults()
	if err := checked.Validate(); err != nil {
		return nil, err
	}
	return newObject(*checked.HTTPGet,
		starlark.String("host"), starlark.String(given.Host),
		starlark.String("port"), starlark.MakeInt(given.Port),
		starlark.String("scheme"), starlark.String(given.Scheme),
		starlark.String("path"), starlark.String(given.Path),
	), nil
}

// makeTCPSocketAction is tcp_socket_action(port, host="localhost").
func makeTCPSocketAction(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var socket model.TCPSocketAction
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "port", &socket.Port, "host??", &socket.Host); err != nil {
		return nil, err
	}
	checked := model.Probe{TCPSocket: &socket}.WithDefaults()
	if err := checked.Validate(); err != nil {
		return nil, err
	}
	return newObject(*checked.TCPSocket,
		starlark.String("host"), starlark.String(socket.Host),
		starlark.String("port"), starlark.MakeInt(socket.Port),
	), nil
}
