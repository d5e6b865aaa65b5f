// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package session stores and serves the resources sessions and
// sessions/status: what a write may change, what is selectable, how Sessions
// look as a table, and which watches are open.
//
// A write of the main resource changes metadata and spec, one of the status
// subresource changes status. metadata.generation counts changes of spec, and a
// deletion that has to wait for finalizers. A write that changes nothing isn't
// stored and makes no event.
package session
