// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package certs makes the certificates that servers prove their identity with.
//
// An Authority signs serving certificates. Who keeps it decides where: this package
// encodes and decodes it.
//
// Not done here: certificates of clients, certificates of somebody else's authority,
// revocation.
package certs
