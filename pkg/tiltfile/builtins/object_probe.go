// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"strings"

	"tilt.dev/session/pkg/model"
)

// addProbeParts adds the builtins of a probe as Tilt's API has it. Their parameters have the names of Kubernetes'
// fields, unlike those of probe().
func addProbeParts(l Library) {
	addPart[probePart](l)
	addPart[handler](l)
	addPart[execAction](l)
	addPart[httpGetAction](l)
	addPart[httpHeader](l)
	addPart[tcpSocketAction](l)
}

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
