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
	var action fmt.Stringer
	if exec != nil {
		p.Exec, action = &exec.value, exec
	}
	if get != nil {
		p.HTTPGet, action = &get.value, get
	}
	if socket != nil {
		p.TCPSocket, action = &socket.value, socket
	}
	p = p.WithDefaults()
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return &object[model.Probe]{p, fmt.Sprintf("probe(period_secs=%v, %s)", p.Period.Seconds(), action)}, nil
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
	return &object[model.ExecAction]{model.ExecAction{Argv: command}, fmt.Sprintf("exec_action(%q)", []string(command))}, nil
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
	get.Scheme = strings.ToLower(get.Scheme)
	checked := model.Probe{HTTPGet: &get}.WithDefaults()
	if err := checked.Validate(); err != nil {
		return nil, err
	}
	get = *checked.HTTPGet
	return &object[model.HTTPGetAction]{get, fmt.Sprintf("http_get_action(%d, host=%q, scheme=%q, path=%q)",
		get.Port, get.Host, get.Scheme, get.Path)}, nil
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
	socket = *checked.TCPSocket
	return &object[model.TCPSocketAction]{socket, fmt.Sprintf("tcp_socket_action(%d, host=%q)", socket.Port, socket.Host)}, nil
}
