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
// It serves HTTPS with certificates that exist in memory only, and lets in who
// holds one of two tokens: the one that is handed to users, and its own. Without
// a token there are the health endpoints and nothing else.
//
// Several servers can live in one process. What they share are the metrics, the
// feature gates and the log of k8s.io/klog, which main should direct: this
// package prints nothing by itself, but the libraries below it report to klog,
// their normal course of events included.
package apiserver
