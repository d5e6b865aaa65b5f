// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package etcd runs etcd for tests: members of a cluster as processes on loopback
// ports, each of which can be stopped, killed, frozen, and started again with its
// data.
//
// The program is the one of the module that go.mod names, built when it's first
// needed and kept in Go's build cache.
package etcd
