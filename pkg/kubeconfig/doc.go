// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kubeconfig keeps the entry of a running API server in Tilt's
// kubeconfig file, where tilt, kubectl and our own commands look for it.
//
// An entry is a context, a cluster and a user of one name. Entries that this
// package wrote carry an extension in their context that says which process
// they belong to, so that an entry whose process has ended without removing it
// is recognised, replaced and dropped.
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
// The file belongs to others too. What's in it besides the entry, comments and
// fields that this version doesn't know included, stays as it is; a file that
// can't be understood is never written. A write replaces the whole file at
// once or not at all, and keeps a symbolic link to it. All writes happen under
// the lock that Tilt takes as well.
//
// The token of an entry is its owner's alone: a file that other users have access
// to has the mode 0600 before the token is in it, and afterwards. A file or a link
// of another user is refused.
//
// # Limits
//
// Processes are told apart within one machine and one pid namespace. Machines
// that share a home directory need a directory each, by TILT_DEV_DIR.
package kubeconfig
