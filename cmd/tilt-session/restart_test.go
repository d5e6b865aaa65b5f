// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	watchtools "k8s.io/client-go/tools/watch"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/generated/clientset/versioned"
	"tilt.dev/session/pkg/generated/informers/externalversions"
	"tilt.dev/session/pkg/testing/port"
)

// patience is how long a condition may take on a busy machine.
const patience = time.Minute

// served is a process that serves without running anything.
type served struct {
	t       *testing.T
	dir     string
	port    int
	command *exec.Cmd
	output  bytes.Buffer
}

// start starts it, and kills it when the test ends.
func (s *served) start() {
	s.t.Helper()
	s.output.Reset()
	s.command = exec.Command("tilt-session", "serve", "--run-sessions=false",
		fmt.Sprintf("--secure-port=%d", s.port), "--data-dir="+filepath.Join(s.dir, "data"), "--kubeconfig-out="+s.kubeconfig())
	s.command.Env = append(os.Environ(), "HOME="+s.dir, "TILT_PORT=")
	s.command.Stdout, s.command.Stderr = &s.output, &s.output
	if err := s.command.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(s.kill)
}

// kill is a kill -9. The second one does nothing.
func (s *served) kill() {
	_ = s.command.Process.Kill()
	_ = s.command.Wait()
	if s.t.Failed() {
		s.t.Logf("the server printed:\n%s", s.output.String())
	}
}

func (s *served) kubeconfig() string { return filepath.Join(s.dir, "kubeconfig") }

// config is what its first kubeconfig says.
func (s *served) config() *rest.Config {
	s.t.Helper()
	var config *rest.Config
	until(s.t, "there's a kubeconfig", func(context.Context) error {
		var err error
		config, err = clientcmd.BuildConfigFromFlags("", s.kubeconfig())
		return err
	})
	return config
}

// until tries until there's no error.
func until(t *testing.T, what string, try func(context.Context) error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		last = try(ctx)
		return last == nil, nil
	})
	if err != nil {
		t.Fatalf("%s: %v (last: %v)", what, err, last)
	}
}

// TestClientsOutlastTheServer has clients that were made before a kill -9 go on
// with the next process on the same data.
func TestClientsOutlastTheServer(t *testing.T) {
	reserved, err := port.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reserved.Release)
	server := &served{t: t, dir: t.TempDir(), port: reserved.Number}
	server.start()
	client := versioned.NewForConfigOrDie(server.config())
	sessions := client.TiltV1alpha1().Sessions()
	create := func(name string) {
		until(t, "create "+name, func(ctx context.Context) error {
			_, err := sessions.Create(ctx, &v1alpha1.Session{
				ObjectMeta: metav1.ObjectMeta{Name: name},
				Spec:       v1alpha1.SessionSpec{TiltfilePath: "/src/Tiltfile", ExitCondition: v1alpha1.ExitConditionManual},
			}, metav1.CreateOptions{})
			return err
		})
	}
	create("before")
	first, err := sessions.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	informers := externalversions.NewSharedInformerFactory(client, 0)
	seen := informers.Tilt().V1alpha1().Sessions().Lister()
	ctx, cancel := context.WithCancel(t.Context())
	defer informers.Shutdown()
	defer cancel()
	informers.StartWithContext(ctx)
	informers.WaitForCacheSyncWithContext(ctx)
	events, err := watchtools.NewRetryWatcherWithContext(ctx, first.ResourceVersion, &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return sessions.Watch(ctx, options)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	expect := func(name string) {
		t.Helper()
		until(t, "the informer sees "+name, func(context.Context) error {
			_, err := seen.Get(name)
			return err
		})
		select {
		case event := <-events.ResultChan():
			if session, ok := event.Object.(*v1alpha1.Session); !ok || event.Type != watch.Added || session.Name != name {
				t.Errorf("the watch has %s %v, want %s added", event.Type, event.Object, name)
			}
		case <-time.After(patience):
			t.Errorf("the watch does not report %s", name)
		}
	}
	create("during")
	expect("during")

	server.kill()
	server.start()
	create("after")
	expect("after")
	if _, err := seen.Get("before"); err != nil {
		t.Error(err)
	}
}
