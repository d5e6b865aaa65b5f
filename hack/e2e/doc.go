// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package e2e has tests alone: they show the API as a team has it, of several
// servers over etcd behind an aggregator. What they start is real, a process or a
// server of its own, on loopback addresses that are free: etcd, the aggregator of
// kube-apiserver, and tilt-session as it's built.
package e2e
