// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package pki makes the authorities and certificates of tests, and writes and
// replaces the files that hold them. All are of ECDSA P-256 keys and good for an
// hour.
package pki
