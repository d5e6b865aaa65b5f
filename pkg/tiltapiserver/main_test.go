// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltapiserver_test

import (
	"net"
	"testing"

	"github.com/go-logr/logr"
	"go.uber.org/goleak"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/generated/clientset/versioned"
)

func TestMain(m *testing.M) {
	klog.SetLogger(logr.Discard())
	goleak.VerifyTestMain(m,
		// Each consistent read from the watch cache starts one, which ends after three seconds.
		goleak.IgnoreAnyFunction("k8s.io/apiserver/pkg/storage/cacher.(*watchCache).waitUntilFreshAndBlock.func2"),
		// The queue of a certificate controller that tilt-apiserver makes and never runs.
		goleak.IgnoreAnyFunction("k8s.io/client-go/util/workqueue.(*Typed[...]).updateUnfinishedWorkLoop"),
		goleak.IgnoreAnyFunction("k8s.io/client-go/util/workqueue.(*delayingType[...]).waitingLoop"),
	)
}

// host runs a tilt-apiserver that keeps Sessions in memory, on a free port,
// until the test ends, and returns the configuration of a client.
func host(t *testing.T) *rest.Config {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	access, stop, err := serve(listener, "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return access
}

// clientset returns a client whose connections are closed before the server is stopped.
func clientset(t *testing.T, config *rest.Config) *versioned.Clientset {
	t.Helper()
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { utilnet.CloseIdleConnectionsFor(client.Transport) })
	clients, err := versioned.NewForConfigAndClient(config, client)
	if err != nil {
		t.Fatal(err)
	}
	return clients
}
