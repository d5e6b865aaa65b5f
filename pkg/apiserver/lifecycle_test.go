// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/generated/clientset/versioned"
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
	options := &apiserver.Options{BindAddress: "nowhere", Port: 70000, Version: "new", DrainTimeout: -1, Audit: &apiserver.Audit{}}
	_, err := options.Config()
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{"storage", "--bind-address", "--secure-port", "version", "--shutdown-drain-timeout", "audit"} {
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

func TestFailingHookEndsTheServer(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	broken := errors.New("broken")
	if err := server.AddPostStartHook("controller", func(context.Context, *rest.Config) error { return broken }); err != nil {
		t.Fatal(err)
	}
	if err := server.Run(t.Context()); !errors.Is(err, broken) || !strings.Contains(err.Error(), "controller") {
		t.Errorf("error = %v", err)
	}
	select {
	case <-server.Ready():
		t.Error("it was ready")
	default:
	}
}

// TestHooksUseTheServer has a hook that works with the API, whose goroutine
// ends with the hook's context.
func TestHooksUseTheServer(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	server := testserver.Start(t, testserver.Configure{Server: func(s *apiserver.Server) error {
		return s.AddPostStartHook("controller", func(ctx context.Context, loopback *rest.Config) error {
			client, err := versioned.NewForConfig(loopback)
			if err != nil {
				return err
			}
			if _, err := client.TiltV1alpha1().Sessions().Create(ctx, newSession("by-hook"), metav1.CreateOptions{}); err != nil {
				return err
			}
			go func() { <-ctx.Done(); close(ended) }()
			return nil
		})
	}})
	if _, err := server.Clientset(t).TiltV1alpha1().Sessions().Get(t.Context(), "by-hook", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	<-ended
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
