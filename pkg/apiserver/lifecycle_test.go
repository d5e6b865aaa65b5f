// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/storage"
	testserver "tilt.dev/session/pkg/testing/server"
)

func TestServersInOneProcessAreApart(t *testing.T) {
	t.Parallel()
	for i := range 4 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			server := testserver.Start(t)
			sessions := server.Clientset(t).TiltV1alpha1().Sessions()
			for j := range 20 {
				if _, err := sessions.Create(t.Context(), newSession(fmt.Sprintf("%d-%d", i, j)), metav1.CreateOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			list, err := sessions.List(t.Context(), metav1.ListOptions{})
			if err != nil || len(list.Items) != 20 {
				t.Errorf("%d Sessions, %v", len(list.Items), err)
			}
			for _, session := range list.Items {
				if !strings.HasPrefix(session.Name, fmt.Sprint(i)+"-") {
					t.Errorf("%s is another server's", session.Name)
				}
			}
		})
	}
}

func TestAddressInUse(t *testing.T) {
	t.Parallel()
	taken := testserver.Start(t)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(taken.Access().URL, "https://"))
	if err != nil {
		t.Fatal(err)
	}
	options := newOptions(t)
	if _, err := fmt.Sscan(port, &options.Port); err != nil {
		t.Fatal(err)
	}
	if _, err := options.Config(); !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), port) {
		t.Errorf("error = %v", err)
	}
}

func TestInvalidOptionsAreAllNamed(t *testing.T) {
	t.Parallel()
	options := apiserver.NewOptions()
	options.BindAddress, options.Port, options.Version, options.DrainTimeout = "nowhere", 70000, "new", -1
	_, err := options.Config()
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{"storage", "--bind-address", "--secure-port", "version", "--shutdown-drain-timeout"} {
		if !strings.Contains(err.Error(), name+":") {
			t.Errorf("%s isn't named in: %v", name, err)
		}
	}
}

func TestServerThatIsNotRun(t *testing.T) {
	t.Parallel()
	options := newOptions(t)
	config, err := options.Config()
	if err != nil {
		t.Fatal(err)
	}
	if err := config.Close(); err != nil {
		t.Error(err)
	}
	config, err = options.Config()
	if err != nil {
		t.Fatal(err)
	}
	server, err := config.Complete().New()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
}

func TestServerThatIsToldToStopBeforeItRuns(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := server.Run(ctx); err != nil {
		t.Error(err)
	}
}

func TestLoopbackClientHasATokenOfItsOwn(t *testing.T) {
	t.Parallel()
	server := testserver.Start(t)
	config := server.LoopbackClientConfig()
	if config.BearerToken == server.Access().Token || config.BearerToken == "" {
		t.Error("the loopback client has the owner's token")
	}
	client := newRawClient(t, server)
	client.token = config.BearerToken
	client.do(http.MethodGet, sessionsPath, nil).want(http.StatusOK)
}

func newOptions(t *testing.T) *apiserver.Options {
	t.Helper()
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
	options := apiserver.NewOptions()
	options.Storage = backend
	return options
}

func newServer(t *testing.T) *apiserver.Server {
	t.Helper()
	config, err := newOptions(t).Config()
	if err != nil {
		t.Fatal(err)
	}
	server, err := config.Complete().New()
	if err != nil {
		t.Fatal(err)
	}
	return server
}
