// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !race

package tiltapiserver_test

const withWatch = true
