// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package certs makes the certificates that servers prove their identity with, and
// keeps those that several servers share.
//
// An Authority signs serving certificates. Who keeps it decides where: this package
// encodes and decodes it.
//
// Shared is for servers that a cluster's kube-apiserver stands in front of. Their
// authority and certificate are in a Secret of the cluster, and what verifies them is
// published as caBundle of an APIService. The Secret has the type kubernetes.io/tls
// and holds, all in PEM:
//
//	ca.crt   the authorities to be trusted: first the one that signs, behind it those before
//	ca.key   the private key of the first
//	tls.crt  the serving certificate
//	tls.key  its private key
//
// Every server does the same, at its start and every minute: it reads both objects,
// renews in the Secret what has got old, publishes what the Secret says, and goes over
// to the Secret's certificate. None is in charge. One that comes too late to write is
// told so by the resource version, and begins again with what another has written. It
// reads the APIService before the Secret, so that it can't publish what the Secret has
// said before somebody else published what it says now.
//
// A server changes to a certificate of another authority only a minute after it has
// seen that one published, and the authority before goes on being trusted for an hour:
// there's no moment at which what a server shows isn't verified by what's published.
// The same goes for new keys, which somebody has made who deletes the Secret: what
// is published then is trusted for an hour more.
//
// Not done here: certificates of clients, certificates of somebody else's authority,
// revocation.
package certs
