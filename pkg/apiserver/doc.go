// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package apiserver composes the API server of Sessions: options become a
// configuration, a completed one, and a server that runs until it's told to
// stop.
//
//	options := apiserver.NewOptions()
//	options.Storage = backend
//	config, err := options.Config()       // listens
//	server, err := config.Complete().New() // builds
//	err = server.Run(ctx)                  // serves, drains, returns
//
// By default it serves HTTPS on a loopback address with certificates that exist in
// memory only and are renewed there, and lets in who holds one of two tokens: the
// one that is handed to the owner, and its own. Without a token there are the
// health endpoints and nothing else. With a directory for it, what verifies the
// certificates and the owner's token are the same after a restart.
//
// Options add to that, and take nothing from it: the owner's token is good however
// else users are known, for the same handlers, and verified by the server's own
// authority whatever certificate others are shown.
//
//   - Users are known by the headers of a front proxy that shows its certificate, a
//     client certificate, the owner's token, one of a file, or one that a core API
//     server knows, in this order.
//   - Members of system:masters may do everything. About others a core API server
//     decides; without one, members of ViewersGroup may read Sessions, and that's
//     all.
//   - The certificate that others than the owner are shown can be one of files, or one
//     that replicas share in a Secret of a core API server: see package certs.
//   - Files with certificates and authorities are followed. Files with tokens and
//     audit policies are read once.
//
// There's no admission: what a Session has to be is validated, and that's it.
//
// Told to stop, a server with a shutdown delay isn't ready at once, goes on as
// before for the delay, but has clients make new connections, ends its watches and
// logs, and answers 429 until the last request that it has taken is answered.
//
// Several servers can live in one process. What they share are the metrics, the
// feature gates and the log of k8s.io/klog, which main should direct: this
// package prints nothing by itself, but the libraries below it report to klog,
// their normal course of events included.
package apiserver
