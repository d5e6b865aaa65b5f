// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package apiserver composes the API server of Sessions from upstream's options and a few of its own: Options
// become a Config, a CompletedConfig, and a Server that runs until its context is done.
//
//	options := apiserver.NewOptions()
//	options.Storage = backend
//	config, err := options.Config()        // listens
//	server, err := config.Complete().New() // builds
//	err = server.Run(ctx)                  // serves, drains, returns
//
// By default the server listens on a loopback address, issues and renews its serving certificate, and accepts two
// tokens: the owner's, and that of clients in the process. Requests without a token are answered on the health paths
// only. With an IdentityDir, the authority of the certificate and the owner's token stay the same after a restart.
//
// Other options add to that. The owner's token remains valid for all requests, and the server's own authority
// verifies the owner's connections, whatever certificate other clients get.
//
//   - A user authenticates by the owner's token, by a token of a file, by the headers of a
//     front proxy with a client certificate, by a client certificate, or by a token that a
//     core API server knows, in this order.
//   - Members of system:masters may do everything. A core API server decides about other
//     users; without one, members of ViewersGroup may read Sessions, and other users may
//     do nothing.
//   - The certificate for other clients is one of files, or one that replicas share in a
//     Secret of a core API server: see package certs.
//   - The server follows changes of files with certificates and authorities. It reads files
//     with tokens and audit policies once.
//
// There are no admission plugins: validation determines what a Session may be.
//
// When its context is done, a server with a ShutdownDelay fails /readyz and keeps serving
// for the delay, while clients are made to open new connections. Then it ends watches and
// logs, and answers new requests with 429 until requests in flight have been answered.
//
// Several servers can run in one process. They share the metrics, the feature gates and the log of k8s.io/klog,
// which main should configure: this package prints nothing, but upstream logs to klog, also when nothing fails.
package apiserver
