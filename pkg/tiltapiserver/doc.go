// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package tiltapiserver is the Session type under the contracts of
// tilt-apiserver, for whoever has such a server and wants it to serve Sessions:
//
//	builder.NewServerBuilder().
//		WithResourceMemoryStorage(&tiltapiserver.Session{}, "data").
//		WithOpenAPIDefinitions("tilt", version, openapi.GetOpenAPIDefinitions)
//
// It decides nothing: defaults, validation and what a write may change are those
// of packages v1alpha1 and session. What these contracts leave to that server
// stays as it has it: a write of the status doesn't enter managedFields, and
// selection by field knows the name alone.
//
// Neither our own server nor any client needs this package, so that they are
// built without tilt-apiserver.
package tiltapiserver
