// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cluster has the stories of people who deploy to Kubernetes: tests with the build tag "cluster" that run
// tilt-session as built, kubectl and docker against a cluster of one node. hack/e2e-cluster.sh brings that up.
//
// Each story has a namespace, a kubeconfig and a directory of its own, so stories run in parallel, except those that
// disturb the cluster. Files of a story are txtar archives; in their YAML, "busybox" is an image that the node can pull.
package cluster
