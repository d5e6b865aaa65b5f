// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build race

package tiltapiserver_test

// withWatch is false because tilt-apiserver gives one object to the answer of a write and to the watches, which
// both set its kind while they encode it. The race detector would report that server's race.
const withWatch = false
