// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package image has tests alone: they read api/deploy/Dockerfile with BuildKit's own
// parser, have its linter look at it, and check that what it builds from is there.
// Nothing is built and nothing is fetched: that's "make image".
package image
