// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cluster connects to the Kubernetes cluster of a run: the context that the kubeconfig named when the process
// started.
//
// # Guarantees
//
//   - Freeze reads the bytes of the kubeconfig files and nothing more. A later `kubectl config use-context` has no
//     effect on the run. The files are parsed on first use.
//   - Nothing contacts the cluster before a method of Connection that takes a context is called.
//   - Commands and this process use the same copy of the kubeconfig, which holds one context. It is private to the
//     user, and Close removes it.
//   - Credentials that change are read anew by client-go: exec plugins, token files. Certificates are those of the
//     moment of the first use.
//   - Every call has a time limit, and an error of the connection names the context, the server and what to do.
//
// The package doesn't decide whether a context may be used; that is the Tiltfile's allow_k8s_contexts().
package cluster
