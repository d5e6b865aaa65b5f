// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package relay carries requests to the run of a Session from an API server to the Runner that runs it.
//
// Both ends authenticate by certificates. The trust is in the Runner's record: spec.caBundle verifies the Runner,
// spec.clientCABundle the API server. The Runner relies on the API server for who may do what; the headers
// X-Remote-User and X-Remote-Group name the user of a request. No other header of the user reaches the Runner, and no
// credential does.
//
// A request is a POST to /sessions/NAME/ACTION?runner=UID, with a JSON object as its body:
//
//	log                      SessionLogOptions; the answer is the log, as it comes
//	trigger, enable, disable the spec of the request; the answer is its status. With dryRun=true nothing changes
//
// Every other answer than 200 is a metav1.Status.
//
// An API server connects to nothing but the address in the record: it uses no proxy, follows no redirect, and refuses
// loopback, link-local, multicast and unspecified addresses once a name is resolved, unless it is allowed to use those
// of its own machine.
package relay

import "net/http"

// The parts of a request that both ends know.
const (
	headerUser  = "X-Remote-User"
	headerGroup = "X-Remote-Group"

	actionLog     = "log"
	actionTrigger = "trigger"
	actionEnable  = "enable"
	actionDisable = "disable"

	mediaJSON = "application/json"

	// maxBody bounds the body of a request and of an answer other than a log.
	maxBody = 4 << 20
)

func path(session, action string) string { return "/sessions/" + session + "/" + action }

var _ http.Handler = (*Handler)(nil)
