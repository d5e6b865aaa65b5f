// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package engine tests what needs a container engine. Its tests have the build tag "engine" and use the engine that
// DOCKER_HOST names, without a registry: images are FROM scratch with a program that the tests compile.
package engine
