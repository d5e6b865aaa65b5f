// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"net/http"
	"testing"

	"go.uber.org/goleak"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"tilt.dev/session/pkg/generated/clientset/versioned"
	testserver "tilt.dev/session/pkg/testing/server"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("k8s.io/klog/v2.(*flushDaemon).run.func1"),
		// Each consistent read from the watch cache starts one, which ends after three seconds.
		goleak.IgnoreTopFunction("k8s.io/apiserver/pkg/storage/cacher.(*watchCache).waitUntilFreshAndBlock.func2"),
	)
}

func TestClients(t *testing.T) {
	server := testserver.Start(t)
	if _, err := server.Clientset(t).TiltV1alpha1().Sessions().List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Errorf("clientset: %v", err)
	}

	config, err := clientcmd.BuildConfigFromFlags("", server.Kubeconfig(t))
	if err != nil {
		t.Fatal(err)
	}
	client, err := versioned.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.TiltV1alpha1().Sessions().List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Errorf("kubeconfig: %v", err)
	}

	response, err := server.HTTPClient(t).Get(server.Access().URL + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("readyz: %s, %v", response.Status, err)
	}
}

func TestStopTwice(t *testing.T) {
	server := testserver.Start(t)
	for range 2 {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	}
}
