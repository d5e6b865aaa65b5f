// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"

	"go.etcd.io/etcd/server/v3/embed"
)

// startEtcdServer starts a member in this process, with the data in dir, and
// returns the URL for clients once it answers. The caller closes the member.
func startEtcdServer(ctx context.Context, dir string) (*embed.Etcd, string, error) {
	config := embed.NewConfig()
	config.Dir = filepath.Join(dir, "etcd")
	config.LogLevel = "error"
	loopback := url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{loopback}, []url.URL{loopback}
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{loopback}, []url.URL{loopback}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	member, err := embed.StartEtcd(config)
	if err != nil {
		return nil, "", err
	}
	select {
	case <-member.Server.ReadyNotify():
		return member, "http://" + member.Clients[0].Addr().String(), nil
	case err = <-member.Err():
	case <-member.Server.StopNotify():
		err = errors.New("etcd has stopped before it was ready")
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	member.Close()
	return nil, "", err
}

// serveEtcd is an etcd without an API server.
func serveEtcd(ctx context.Context, dir string) error {
	member, endpoint, err := startEtcdServer(ctx, dir)
	if err != nil {
		return err
	}
	defer member.Close()
	if err := publishFile(filepath.Join(dir, endpointFile), []byte(endpoint)); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-member.Err():
		return err
	}
}
