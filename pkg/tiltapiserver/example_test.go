// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltapiserver_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"

	"github.com/tilt-dev/tilt-apiserver/pkg/server/builder"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/generated/clientset/versioned"
	"tilt.dev/session/pkg/generated/openapi"
	"tilt.dev/session/pkg/tiltapiserver"
)

// A server that is built with tilt-apiserver serves Sessions from its memory.
func Example() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	access, stop, err := serve(listener, "secret")
	if err != nil {
		log.Fatal(err)
	}
	defer stop()

	httpClient, err := rest.HTTPClientFor(access)
	if err != nil {
		log.Fatal(err)
	}
	defer httpClient.CloseIdleConnections()
	clients, err := versioned.NewForConfigAndClient(access, httpClient)
	if err != nil {
		log.Fatal(err)
	}
	ctx, sessions := context.Background(), clients.TiltV1alpha1().Sessions()

	created, err := sessions.Create(ctx, &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{Name: "shop"},
		Spec: v1alpha1.SessionSpec{
			TiltfilePath: "/src/shop/Tiltfile", ExitCondition: v1alpha1.ExitConditionCI, Args: []string{"web"},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(created.Name, "has generation", created.Generation, "and arguments", created.Spec.Args)

	created.Status.Done = true
	updated, err := sessions.UpdateStatus(ctx, created, metav1.UpdateOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("done:", updated.Status.Done)

	_, err = sessions.Create(ctx, &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{Name: "empty"},
		Spec:       v1alpha1.SessionSpec{ExitCondition: v1alpha1.ExitConditionCI},
	}, metav1.CreateOptions{})
	fmt.Println(err)

	// Output:
	// shop has generation 1 and arguments [web]
	// done: true
	// Session.tilt.dev "empty" is invalid: spec.tiltfilePath: Required value: cannot be empty
}

// serve runs a server of Sessions on listener. It returns the configuration of a client with its token, and a
// function that stops the server and waits for it.
func serve(listener net.Listener, token string) (*rest.Config, func(), error) {
	options, err := builder.NewServerBuilder().
		WithResourceMemoryStorage(&tiltapiserver.Session{}, "data").
		WithOpenAPIDefinitions("tilt", "v0.0.0", openapi.GetOpenAPIDefinitions).
		WithOutputWriter(io.Discard).
		WithBearerToken(token).
		WithBindPort(listener.Addr().(*net.TCPAddr).Port).
		ToServerOptions()
	if err != nil {
		return nil, nil, err
	}
	options.ServingOptions.Listener = listener
	config, err := options.Config()
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	stopped, err := options.RunTiltServerFromConfig(config.Complete(), ctx)
	if err != nil {
		cancel()
		return nil, nil, err
	}
	access := rest.CopyConfig(config.GenericConfig.LoopbackClientConfig)
	access.QPS = -1
	return access, func() { cancel(); <-stopped }, nil
}
