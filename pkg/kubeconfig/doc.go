// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kubeconfig keeps the entry of a running API server in Tilt's
// kubeconfig file, where tilt, kubectl and our own commands look for it.
//
// An entry is a context, a cluster and a user of one name. The context of an entry that this package writes carries
// an extension that names the process which owns the entry. It lets a later process recognize, replace and drop the
// entry of a process that ended without removing it.
//
//	contexts:
//	- name: tilt-default
//	  context:
//	    cluster: tilt-default
//	    user: tilt-default
//	    extensions:
//	    - name: tilt.dev/session
//	      extension:
//	        pid: 4711
//	        started: 96dad49d-2433-4103-aee6-9dd91fee74ad/108313
//
// # Guarantees
//
// A change keeps the clusters, contexts, users, preferences and extensions of others. A file that client-go can't
// parse, or can only parse in part, is never written. A write replaces the whole file or nothing, and keeps a
// symbolic link to it. Every write happens under the lock that Tilt and kubectl honor.
//
// Only the owner of the file can read the token in it: a file that other users had access to has mode 0600 before
// the token is written. A file or a symbolic link that belongs to another user is refused.
//
// # Limits
//
// A change goes through client-go's types, as with kubectl config: it loses
// comments and fields that this version of client-go doesn't know.
//
// Processes are identified within one machine and one PID namespace. Machines
// that share a home directory need one directory each; set TILT_DEV_DIR.
package kubeconfig
