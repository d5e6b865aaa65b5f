// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package tiltapiserver is the Session type under the contracts of tilt-apiserver, for
// servers built with that library (see the example):
//
//	builder.NewServerBuilder().
//		WithResourceMemoryStorage(&tiltapiserver.Session{}, "data").
//		WithOpenAPIDefinitions("tilt", version, openapi.GetOpenAPIDefinitions)
//
// Defaults, validation and the rules for writes are those of packages v1alpha1 and session. Everything else is the
// behavior of that library: it doesn't record a write of the status in managedFields, and selects by no field but the
// name.
//
// Neither this module's own server nor any client imports this package, so that they are built without tilt-apiserver.
package tiltapiserver
