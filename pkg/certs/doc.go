// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package certs issues the serving certificates of servers.
//
// An Authority signs serving certificates. Its caller stores it: this package encodes and decodes it. SelfIssued is
// the certificate of one server, which issues and renews it from an Authority in its memory.
//
// Shared is a certificate of several servers behind a kube-apiserver. Their authority and
// certificate are in a Secret, and the servers publish the authority as caBundle of an
// APIService. The Secret has the type kubernetes.io/tls and these keys, all in PEM:
//
//	ca.crt   the trusted authorities: first the one that signs, then previous ones
//	ca.key   the private key of the first authority
//	tls.crt  the serving certificate
//	tls.key  its private key
//
// Each server runs the same loop, at its start and every minute: it reads both objects, renews in the Secret what is
// old, publishes the authorities in the Secret, and serves the certificate in the Secret. There is no leader. A server
// whose write conflicts with another one's starts again with the new version. A server reads the APIService before the
// Secret, so that its write to the APIService conflicts if another server has published a newer Secret in between.
//
// A server changes to a certificate of another authority one minute after it has seen that the authority is published,
// and previous authorities stay trusted for an hour. So the published authorities verify the served certificate at any
// moment. This also holds for the new authority that a server creates after the Secret has been deleted.
//
// Not supported: client certificates, external authorities, revocation.
package certs
