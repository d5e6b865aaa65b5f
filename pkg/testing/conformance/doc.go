// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package conformance specifies the served Session API by tests that run against any server of it: the one
// of this module, a server behind an aggregator, or one that was started elsewhere.
//
// Each area of the API has a file that reads as its specification. Checks share one server and run in parallel, so
// each works on objects of its own, names them with unique, and looks at lists through a label or a field of its
// own. They assume nothing about other Sessions on the server, but no other client may write to those of a
// check: the server must not run Sessions.
package conformance
