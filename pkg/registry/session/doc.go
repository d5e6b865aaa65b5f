// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package session stores and serves the resources sessions and
// sessions/status: what a write may change, what is selectable, how Sessions
// look as a table, and which watches are open. It also serves what can be asked
// of a Session that's being run: sessions/trigger, enable, disable, args and log.
//
// A write of the main resource changes metadata and spec, one of the status
// subresource changes status. metadata.generation counts changes of spec, and a
// deletion that has to wait for finalizers. A write that changes nothing isn't
// stored and makes no event.
//
// A request to a run is validated, and then handed to whoever runs the Session,
// through the interfaces of this package. Nothing of it is stored. A Session
// that isn't run by this server is a conflict (409), as is, for requests that
// change something, one that's done.
package session
