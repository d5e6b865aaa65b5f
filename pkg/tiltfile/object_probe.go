// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"strings"

	"tilt.dev/session/pkg/model"
)

// addProbeParts adds the builtins of a probe as Tilt's API has it. Other than
// those without a module they name each argument as Kubernetes does.
func addProbeParts(l library) {
	addPart[probePart](l)
	addPart[handlerPart](l)
	addPart[execPart](l)
	addPart[httpGetPart](l)
	addPart[httpHeaderPart](l)
	addPart[tcpSocketPart](l)
}

// probePart is v1alpha1.probe(handler, initial_delay_seconds, timeout_seconds,
// period_seconds, success_threshold, failure_threshold).
type probePart struct {
	handler                                     partArgument[handlerPart, *handlerPart]
	delay, timeout, period, successes, failures count
}

func (*probePart) builtin() string { return "v1alpha1.probe" }

func (p *probePart) pairs() []any {
	return []any{
		"handler??", &p.handler,
		"initial_delay_seconds??", &p.delay,
		"timeout_seconds??", &p.timeout,
		"period_seconds??", &p.period,
		"success_threshold??", &p.successes,
		"failure_threshold??", &p.failures,
	}
}

func (p *probePart) check() error {
	if p.handler.part == nil {
		return (&handlerPart{}).check()
	}
	return nil
}

// handlerPart is v1alpha1.handler(exec, http_get, tcp_socket).
type handlerPart struct {
	exec      partArgument[execPart, *execPart]
	httpGet   partArgument[httpGetPart, *httpGetPart]
	tcpSocket partArgument[tcpSocketPart, *tcpSocketPart]
}

func (*handlerPart) builtin() string { return "v1alpha1.handler" }

func (h *handlerPart) pairs() []any {
	return []any{"exec??", &h.exec, "http_get??", &h.httpGet, "tcp_socket??", &h.tcpSocket}
}

func (h *handlerPart) check() error {
	return exactlyOne("exec, http_get, or tcp_socket", h.exec.part != nil, h.httpGet.part != nil, h.tcpSocket.part != nil)
}

// execPart is v1alpha1.exec_action(command).
type execPart struct {
	command stringList
}

func (*execPart) builtin() string { return "v1alpha1.exec_action" }
func (a *execPart) pairs() []any  { return []any{"command??", &a.command} }

func (a *execPart) check() error {
	return checkAction(model.Probe{Exec: &model.ExecAction{Argv: a.command}})
}

// httpGetPart is v1alpha1.http_get_action(path, port, host, scheme,
// http_headers).
type httpGetPart struct {
	path, host, scheme string
	port               int
	headers            partList[httpHeaderPart, *httpHeaderPart]
}

func (*httpGetPart) builtin() string { return "v1alpha1.http_get_action" }

func (a *httpGetPart) pairs() []any {
	return []any{"path??", &a.path, "port??", &a.port, "host??", &a.host, "scheme??", &a.scheme, "http_headers??", &a.headers}
}

func (a *httpGetPart) check() error {
	return checkAction(model.Probe{HTTPGet: &model.HTTPGetAction{Port: a.port, Scheme: strings.ToLower(a.scheme)}})
}

// httpHeaderPart is v1alpha1.http_header(name, value).
type httpHeaderPart struct {
	unchecked
	name, value string
}

func (*httpHeaderPart) builtin() string { return "v1alpha1.http_header" }
func (h *httpHeaderPart) pairs() []any  { return []any{"name??", &h.name, "value??", &h.value} }

// tcpSocketPart is v1alpha1.tcp_socket_action(port, host).
type tcpSocketPart struct {
	port int
	host string
}

func (*tcpSocketPart) builtin() string { return "v1alpha1.tcp_socket_action" }
func (a *tcpSocketPart) pairs() []any  { return []any{"port??", &a.port, "host??", &a.host} }

func (a *tcpSocketPart) check() error {
	return checkAction(model.Probe{TCPSocket: &model.TCPSocketAction{Port: a.port}})
}

// checkAction returns an error for an action that can't be a probe's.
func checkAction(p model.Probe) error { return p.WithDefaults().Validate() }
