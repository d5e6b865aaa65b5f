// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"context"
	"net/http"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/generated/clientset/versioned"
	"tilt.dev/session/pkg/storage"
	testserver "tilt.dev/session/pkg/testing/server"
)

// BenchmarkStart builds a server, waits until it is ready, lists Sessions over HTTPS, and stops it.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		codec, err := apiserver.StorageCodec()
		if err != nil {
			b.Fatal(err)
		}
		backend, err := storage.NewMemory(storage.Config{Codec: codec})
		if err != nil {
			b.Fatal(err)
		}
		options := apiserver.NewOptions()
		options.Storage = backend
		config, err := options.Config()
		if err != nil {
			b.Fatal(err)
		}
		server, err := config.Complete().New()
		if err != nil {
			b.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.WithoutCancel(b.Context()))
		result := make(chan error, 1)
		go func() { result <- server.Run(ctx) }()
		<-server.Ready()
		client, err := versioned.NewForConfig(server.LoopbackClientConfig())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := client.TiltV1alpha1().Sessions().List(ctx, metav1.ListOptions{}); err != nil {
			b.Fatal(err)
		}
		stop()
		if err := <-result; err != nil {
			b.Fatal(err)
		}
		if err := backend.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTLSConnection connects and makes one request over TLS, to a server with the page and to one without. The
// page starts nothing for it.
func BenchmarkTLSConnection(b *testing.B) {
	for name, off := range map[string]bool{"with the page": false, "without": true} {
		b.Run(name, func(b *testing.B) {
			server := testserver.Start(b, testserver.Configure{Options: func(o *apiserver.Options) { o.Web.Off = off }})
			client := server.HTTPClient(b)
			client.Transport.(*http.Transport).DisableKeepAlives = true
			b.ReportAllocs()
			for b.Loop() {
				response, err := client.Get(server.Access().URL + "/livez")
				if err != nil {
					b.Fatal(err)
				}
				_ = response.Body.Close()
			}
			if server.PlainStarted() {
				b.Error("it serves without TLS")
			}
		})
	}
}
