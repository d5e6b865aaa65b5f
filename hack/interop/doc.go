// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package interop has tests alone: what others have written against Tilt's own
// Session type works with tilt-session. They know tilt-session as those others
// do, as a program that serves an API, and import nothing of it.
package interop
