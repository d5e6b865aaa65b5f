// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"tilt.dev/session/pkg/kube/cluster"
	"tilt.dev/session/pkg/kube/workload/status"
	"tilt.dev/session/pkg/model"
)

// serve connects a client to a pod.
func (n *forward) serve(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	pod, ok := n.target(ctx)
	if ctx.Err() != nil {
		return
	}
	if !ok {
		n.tell(errors.New("no pod runs yet"))
		return
	}
	n.mu.Lock()
	port := containerPort(n.spec, pod.Pod)
	n.mu.Unlock()
	t, err := n.tunnel(ctx, pod)
	if err == nil {
		err = t.carry(ctx, conn, port)
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		n.tell(n.explain(err, pod, port))
	default:
		n.mu.Lock()
		n.told = ""
		n.mu.Unlock()
	}
}

// explain says in words why a connection failed.
func (n *forward) explain(err error, pod status.Pod, port int) error {
	text := err.Error()
	if strings.Contains(text, "connection refused") && !cluster.Unreachable(err) {
		return fmt.Errorf("nothing listens at port %d in pod %s", port, pod.Name)
	}
	return fmt.Errorf("connect to port %d of pod %s: %w", port, pod.Name, n.connection.Explain(err))
}

// readyPatience is how long a connection waits for a pod to become ready. After that one that runs has to do.
const readyPatience = 5 * time.Second

// target returns the pod that a connection goes to.
func (f *forwarder) target(ctx context.Context) (status.Pod, bool) {
	timer := time.NewTimer(readyPatience)
	defer timer.Stop()
	for {
		f.mu.Lock()
		pod, ready, found := status.Best(f.pods)
		changed := f.changed
		f.mu.Unlock()
		if ready {
			return pod, true
		}
		select {
		case <-ctx.Done():
			return status.Pod{}, false
		case <-timer.C:
			return pod, found
		case <-changed:
		}
	}
}

// tunnel returns the connection to a pod.
func (f *forwarder) tunnel(ctx context.Context, pod status.Pod) (*tunnel, error) {
	f.mu.Lock()
	t := f.tunnels[pod.UID]
	f.mu.Unlock()
	if t != nil && !t.broken() {
		return t, nil
	}
	t, err := dialTunnel(ctx, f.connection, pod.Namespace, pod.Name)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if other := f.tunnels[pod.UID]; other != nil && !other.broken() {
		t.Close()
		return other, nil
	}
	f.tunnels[pod.UID] = t
	return t, nil
}

// containerPort returns the port of a pod that a forward leads to: without one of its own, the local port if a
// container declares it, else the first that is declared, else the local port.
func containerPort(spec model.PortForward, p *corev1.Pod) int {
	if spec.Container != 0 {
		return spec.Container
	}
	first := 0
	for _, c := range p.Spec.Containers {
		for _, port := range c.Ports {
			switch {
			case int(port.ContainerPort) == spec.Local:
				return spec.Local
			case first == 0 && port.Protocol != corev1.ProtocolUDP:
				first = int(port.ContainerPort)
			}
		}
	}
	if first != 0 {
		return first
	}
	return spec.Local
}
