// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package coreapi answers what an API server asks of the core API server of its
// cluster: who a token belongs to, what a user may do, and how requests are shared
// out. What it answers is said by tables; it stores nothing.
package coreapi
