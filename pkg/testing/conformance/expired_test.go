// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"testing"

	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/storage"
	"tilt.dev/session/pkg/testing/conformance"
	testserver "tilt.dev/session/pkg/testing/server"
)

// TestExpired restarts the server on the same storage, so that it has no earlier
// versions, as after a long time.
func TestExpired(t *testing.T) {
	codec, err := apiserver.StorageCodec()
	if err != nil {
		t.Fatal(err)
	}
	backend, err := storage.NewMemory(storage.Config{Codec: codec})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := backend.Close(); err != nil {
			t.Error(err)
		}
	})
	start := func() (*testserver.Server, conformance.Target) {
		server := testserver.Start(t, testserver.Configure{Options: func(options *apiserver.Options) { options.Storage = backend }})
		return server, conformance.Target{Config: server.RESTConfig(), Kubeconfig: server.Kubeconfig(t)}
	}
	server, target := start()
	conformance.RunExpired(t, target, func() conformance.Target {
		if err := server.Stop(); err != nil {
			t.Fatal(err)
		}
		_, target := start()
		return target
	})
}
