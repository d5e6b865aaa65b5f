// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package manifest is what there is to know of Kubernetes objects without a cluster: how YAML becomes objects, which
// objects are workloads, how they are named and grouped, in which order they are applied, and how images get into
// them.
//
// Objects stay as they were written: a field that no type knows is kept. The functions never change the objects that
// they get; Inject returns changed copies. Objects have to be what Parse returns: maps, slices, strings, bools, int64,
// float64 and nil, with an apiVersion, a kind and a name.
//
// Built-in kinds are told from custom resources by their group: that of a custom resource has a dot. Containers are
// looked for in every object, but only those of built-in kinds make an object a workload.
package manifest
