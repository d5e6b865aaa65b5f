// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package deploy brings the Kubernetes objects of resources to a cluster.
package deploy
