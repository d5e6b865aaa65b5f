// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
)

const (
	// reference is the contender that the others are compared with.
	reference = "ours-memory"
	bare      = "bare"
)

// contender is a server to compare.
type contender struct {
	name string
	// durable servers have their Sessions again after a restart.
	durable bool
	// needsEtcd is set for a server that uses an etcd beside it.
	needsEtcd bool
	// profiled servers have /debug/pprof.
	profiled bool
	// mayLack are the kinds of work that the server may refuse. If it does, its
	// answer is reported in place of a measurement. Any other refusal is an error.
	mayLack []string
	// args are the program and its arguments for a directory. The program
	// writes the kubeconfig there and continues with the data that it finds.
	args func(o *options, dir string) ([]string, error)
}

// contenders are in the order in which they are measured.
func contenders() []contender {
	return []contender{
		{name: reference, profiled: true, args: ours("--storage", "memory")},
		{name: "ours-file", profiled: true, durable: true, args: ours("--storage", "file", "--data-dir", "data")},
		{name: "ours-etcd", profiled: true, durable: true, needsEtcd: true, args: oursOnEtcd},
		{name: "plain", profiled: true, durable: true, args: self("serve-plain")},
		{name: "tilt-apiserver", mayLack: []string{workPages, workApply, workWatchList}, args: self("serve-tilt-apiserver")},
		{name: bare, args: self("serve-bare")},
	}
}

func contenderNames() (names []string) {
	for _, c := range contenders() {
		names = append(names, c.name)
	}
	return names
}

// ours is "tilt-session serve", which runs no Sessions.
func ours(flags ...string) func(*options, string) ([]string, error) {
	return func(o *options, dir string) ([]string, error) {
		return append([]string{o.bin, "serve", "--run-sessions=false", "--profiling", "--secure-port", "0",
			"--kubeconfig-out", filepath.Join(dir, kubeconfigFile)}, flags...), nil
	}
}

// oursOnEtcd uses the etcd that has been started before.
func oursOnEtcd(o *options, dir string) ([]string, error) {
	endpoint, err := os.ReadFile(filepath.Join(dir, endpointFile))
	if err != nil {
		return nil, err
	}
	return ours("--etcd-servers", strings.TrimSpace(string(endpoint)))(o, dir)
}

// self is this program as one of its servers.
func self(server string) func(*options, string) ([]string, error) {
	return func(_ *options, dir string) ([]string, error) {
		program, err := os.Executable()
		return []string{program, server, dir}, err
	}
}
