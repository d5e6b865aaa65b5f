// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package session stores and serves the resources sessions and sessions/status: what a write may change, what is
// selectable, how Sessions look as a table, and which watches are open. It also serves sessions/args, which is
// spec.args by another name, and what can be requested of a Session that is being run: sessions/trigger, enable,
// disable and log.
//
// A write of the main resource changes metadata and spec, one of the status subresource changes status, and one of
// the args subresource changes spec.args. metadata.generation counts changes of spec, and a deletion that has to
// wait for finalizers. A write that changes nothing isn't stored and makes no event.
//
// A request to a run is validated and handed to the process that runs the Session, through the interfaces of this
// package. It isn't stored. If this server doesn't run the Session the answer is a conflict (409), and also, for
// requests that change something, if the Session is done.
package session
