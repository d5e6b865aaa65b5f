// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/kube/workload/status"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

func TestContainerPort(t *testing.T) {
	declared := func(ports ...int32) *corev1.Pod {
		p := &corev1.Pod{}
		for _, port := range ports {
			p.Spec.Containers = append(p.Spec.Containers, corev1.Container{
				Ports: []corev1.ContainerPort{{ContainerPort: 53, Protocol: corev1.ProtocolUDP}, {ContainerPort: port}}})
		}
		return p
	}
	for _, tc := range []struct {
		spec model.PortForward
		pod  *corev1.Pod
		want int
	}{
		{model.PortForward{Local: 8000, Container: 80}, declared(8000), 80},
		{model.PortForward{Local: 8000}, declared(80, 8000), 8000},
		{model.PortForward{Local: 8000}, declared(80, 81), 80},
		{model.PortForward{Local: 8000}, declared(), 8000},
	} {
		if got := containerPort(tc.spec, tc.pod); got != tc.want {
			t.Errorf("%+v: got %d, want %d", tc.spec, got, tc.want)
		}
	}
}

// logOf returns a log, and a function that waits until it has a text.
func logOf(t *testing.T) (engine.Log, func(text string) string) {
	store := logs.New(1<<20, clock.RealClock{})
	return engine.NewLog(store, "web"), func(text string) string {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
			var all strings.Builder
			for _, line := range store.Tail("web", 1000) {
				all.WriteString(line.Text + "\n")
			}
			if _, after, ok := strings.Cut(all.String(), text); ok {
				after, _, _ = strings.Cut(after, "\n")
				return after
			}
			if time.Now().After(deadline) {
				t.Fatalf("the log has no %q:\n%s", text, all.String())
			}
		}
	}
}

func TestForwardPortInUse(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	log, await := logOf(t)
	ctx, cancel := context.WithCancel(t.Context())
	f := newForwarder(nil)
	defer f.stop()
	defer cancel()
	f.update(ctx, log, []model.PortForward{{Local: port, Container: 80, Name: "site"}}, nil)
	await(fmt.Sprintf("port forward site localhost:%d -> 80: port %d of localhost is in use", port, port))
	taken.Close()
	// The port is taken as soon as it's free.
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			conn.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// TestForwardKeepsListener changes the forwards and the pods: a listener stays as long as its address is wanted.
func TestForwardKeepsListener(t *testing.T) {
	t.Parallel()
	log, await := logOf(t)
	ctx, cancel := context.WithCancel(t.Context())
	f := newForwarder(nil)
	defer f.stop()
	defer cancel()
	f.update(ctx, log, []model.PortForward{{Host: "127.0.0.1", Container: 80}}, nil)
	port := await("listening at port ")
	f.update(ctx, log, []model.PortForward{{Host: "127.0.0.1", Container: 81}}, []status.Pod{})
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	await("127.0.0.1:" + port + " -> 81: no pod runs yet")
	f.update(ctx, log, nil, nil)
	f.wait.Wait()
	if conn, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
		conn.Close()
		t.Error("the listener is still open")
	}
}
