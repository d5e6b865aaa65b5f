// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package tiltapiserver is the Session type under the contracts of tilt-apiserver, for
// servers built with that library (see the example):
//
//	builder.NewServerBuilder().
//		WithResourceMemoryStorage(&tiltapiserver.Session{}, "data").
//		WithOpenAPIDefinitions("tilt", version, openapi.GetOpenAPIDefinitions)
//
// It decides nothing: defaults, validation and what a write may change are those of
// packages v1alpha1 and session. The rest is that server's behavior: it doesn't record a
// write of the status in managedFields, and selects by no field but the name.
//
// Neither our own server nor any client imports this package, so that they are built without tilt-apiserver.
package tiltapiserver
