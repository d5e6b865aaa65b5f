// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"cmp"
	"strings"
	"time"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/model"
)

// makeProbe is probe(initial_delay_secs=0, ...).
func makeProbe(a struct {
	InitialDelay     int32                           `arg:"initial_delay_secs??"`
	Timeout          int32                           `arg:"timeout_secs??"`
	Period           int32                           `arg:"period_secs??"`
	SuccessThreshold int                             `arg:"success_threshold??"`
	FailureThreshold int                             `arg:"failure_threshold??"`
	Exec             structOf[model.ExecAction]      `arg:"exec??"`
	HTTPGet          structOf[model.HTTPGetAction]   `arg:"http_get??"`
	TCPSocket        structOf[model.TCPSocketAction] `arg:"tcp_socket??"`
}) (starlark.Value, error) {
	none := starlark.Value(starlark.None)
	p := model.Probe{
		InitialDelay:     time.Duration(a.InitialDelay) * time.Second,
		Timeout:          time.Duration(a.Timeout) * time.Second,
		Period:           time.Duration(a.Period) * time.Second,
		SuccessThreshold: a.SuccessThreshold,
		FailureThreshold: a.FailureThreshold,
		Exec:             a.Exec.value,
		HTTPGet:          a.HTTPGet.value,
		TCPSocket:        a.TCPSocket.value,
	}.WithDefaults()
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return newStructure("Probe", p, starlark.StringDict{
		"initial_delay_secs": starlark.MakeInt(int(a.InitialDelay)),
		"timeout_secs":       starlark.MakeInt(int(a.Timeout)),
		"period_secs":        starlark.MakeInt(int(a.Period)),
		"success_threshold":  starlark.MakeInt(a.SuccessThreshold),
		"failure_threshold":  starlark.MakeInt(a.FailureThreshold),
		"exec":               cmp.Or(a.Exec.given, none),
		"http_get":           cmp.Or(a.HTTPGet.given, none),
		"tcp_socket":         cmp.Or(a.TCPSocket.given, none),
	}), nil
}

// makeExecAction is exec_action(command).
func makeExecAction(a struct {
	Command program `arg:"command"`
}) (starlark.Value, error) {
	words := stringValues(a.Command)
	words.Freeze() // The command doesn't change with the list.
	return newStructure("ExecAction", model.ExecAction{Argv: a.Command}, starlark.StringDict{"command": words}), nil
}

// makeHTTPGetAction is http_get_action(port, host="localhost", scheme="http", path="/").
func makeHTTPGetAction(a struct {
	Port   int    `arg:"port"`
	Host   string `arg:"host??"`
	Scheme string `arg:"scheme??"`
	Path   string `arg:"path??"`
}) (starlark.Value, error) {
	get := &model.HTTPGetAction{Scheme: strings.ToLower(a.Scheme), Host: a.Host, Port: a.Port, Path: a.Path}
	checked := model.Probe{HTTPGet: get}.WithDefaults()
	if err := checked.Validate(); err != nil {
		return nil, err
	}
	return newStructure("HTTPGetAction", *checked.HTTPGet, starlark.StringDict{
		"host": starlark.String(a.Host), "port": starlark.MakeInt(a.Port),
		"scheme": starlark.String(a.Scheme), "path": starlark.String(a.Path),
	}), nil
}

// makeTCPSocketAction is tcp_socket_action(port, host="localhost").
func makeTCPSocketAction(a struct {
	Port int    `arg:"port"`
	Host string `arg:"host??"`
}) (starlark.Value, error) {
	checked := model.Probe{TCPSocket: &model.TCPSocketAction{Host: a.Host, Port: a.Port}}.WithDefaults()
	if err := checked.Validate(); err != nil {
		return nil, err
	}
	return newStructure("TCPSocketAction", *checked.TCPSocket, starlark.StringDict{
		"host": starlark.String(a.Host), "port": starlark.MakeInt(a.Port),
	}), nil
}

// probePart is a probe as Tilt's API has it. Its parts have parameters with the names of Kubernetes' fields; probe()
// has names of its own.
type probePart struct {
	Part             `builtin:"v1alpha1.probe"`
	Handler          partOf[handler] `arg:"handler??"`
	InitialDelay     count           `arg:"initial_delay_seconds??"`
	Timeout          count           `arg:"timeout_seconds??"`
	Period           count           `arg:"period_seconds??"`
	SuccessThreshold count           `arg:"success_threshold??"`
	FailureThreshold count           `arg:"failure_threshold??"`
}

func (p *probePart) check() error {
	if p.Handler.part == nil {
		return new(handler).check()
	}
	return nil
}

type handler struct {
	Part      `builtin:"v1alpha1.handler"`
	Exec      partOf[execAction]      `arg:"exec??"`
	HTTPGet   partOf[httpGetAction]   `arg:"http_get??"`
	TCPSocket partOf[tcpSocketAction] `arg:"tcp_socket??"`
}

func (h *handler) check() error {
	return exactlyOne("exec, http_get, or tcp_socket",
		h.Exec.part != nil, h.HTTPGet.part != nil, h.TCPSocket.part != nil)
}

type execAction struct {
	Part    `builtin:"v1alpha1.exec_action"`
	Command StringList `arg:"command??"`
}

func (a *execAction) check() error {
	return checkAction(model.Probe{Exec: &model.ExecAction{Argv: a.Command}})
}

type httpGetAction struct {
	Part    `builtin:"v1alpha1.http_get_action"`
	Path    string               `arg:"path??"`
	Port    int                  `arg:"port??"`
	Host    string               `arg:"host??"`
	Scheme  string               `arg:"scheme??"`
	Headers partList[httpHeader] `arg:"http_headers??"`
}

func (a *httpGetAction) check() error {
	return checkAction(model.Probe{HTTPGet: &model.HTTPGetAction{Port: a.Port, Scheme: strings.ToLower(a.Scheme)}})
}

type httpHeader struct {
	Part  `builtin:"v1alpha1.http_header"`
	Name  string `arg:"name??"`
	Value string `arg:"value??"`
}

type tcpSocketAction struct {
	Part `builtin:"v1alpha1.tcp_socket_action"`
	Port int    `arg:"port??"`
	Host string `arg:"host??"`
}

func (a *tcpSocketAction) check() error {
	return checkAction(model.Probe{TCPSocket: &model.TCPSocketAction{Port: a.Port}})
}

// checkAction returns an error for an action that a probe can't have.
func checkAction(p model.Probe) error { return p.WithDefaults().Validate() }
