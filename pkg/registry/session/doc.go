// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package session implements the resources sessions and sessions/status over a storage: the rules for writes, the
// selectors, the tables, and the delivery of events to watches. It also implements sessions/args, which reads and
// replaces spec.args, and the requests to a Session that is being run: sessions/trigger, enable, disable and log.
//
// A write of the main resource changes metadata and spec, one of the status subresource changes status, and one of
// the args subresource changes spec.args. metadata.generation counts changes of spec, and a deletion that has to
// wait for finalizers. A write that changes nothing isn't stored and makes no event.
//
// A request to a run is validated and handed to the process that runs the Session, through the interfaces of this
// package. It isn't stored. If this server doesn't run the Session the answer is a conflict (409), and also, for
// requests that change something, if the Session is done.
package session
