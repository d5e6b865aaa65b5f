// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package load is users of an API: writers, each of which changes a Session of its
// own again and again, and a watcher that must see each change.
package load
