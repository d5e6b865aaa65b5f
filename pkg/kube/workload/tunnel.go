// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/streaming/pkg/httpstream"

	"tilt.dev/session/pkg/kube/cluster"
)

// tunnel is a connection to a pod that carries the connections of port forwards.
type tunnel struct {
	httpstream.Connection

	mu sync.Mutex
	// requests numbers the connections.
	requests int
}

// dialTunnel connects to a pod, by a WebSocket, or by SPDY where the server or a proxy knows only that.
func dialTunnel(ctx context.Context, c *cluster.Connection, namespace, pod string) (*tunnel, error) {
	url := c.Core.RESTClient().Post().Resource("pods").Namespace(namespace).Name(pod).SubResource("portforward").URL()
	transport, upgrader, err := spdy.RoundTripperFor(c.Config)
	if err != nil {
		return nil, err
	}
	old := spdy.NewDialerForStreaming(upgrader, &http.Client{Transport: transport}, http.MethodPost, url)
	modern, err := portforward.NewSPDYOverWebsocketDialerForStreaming(url, c.Config)
	if err != nil {
		return nil, err
	}
	dialer := portforward.NewFallbackDialerForStreaming(modern, old, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
	type result struct {
		connection httpstream.Connection
		err        error
	}
	// Upstream: k8s.io/client-go v0.36, tools/portforward: the dialers know no context. A connection that is late is
	// closed as soon as it is there.
	dialed := make(chan result, 1)
	go func() {
		connection, _, err := dialer.Dial(portforward.PortForwardProtocolV1Name)
		dialed <- result{connection, err}
	}()
	timer := time.NewTimer(cluster.CallTimeout)
	defer timer.Stop()
	select {
	case r := <-dialed:
		if r.err != nil {
			return nil, r.err
		}
		return &tunnel{Connection: r.connection}, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = fmt.Errorf("no answer within %s", cluster.CallTimeout)
	}
	go func() {
		if r := <-dialed; r.connection != nil {
			r.connection.Close()
		}
	}()
	return nil, err
}

// broken says whether the tunnel is closed.
func (t *tunnel) broken() bool {
	select {
	case <-t.CloseChan():
		return true
	default:
		return false
	}
}

// errLost is the error of a tunnel that has closed.
var errLost = errors.New("the connection to the pod was lost")

// carry copies between a connection and a port of the pod, until both sides or the tunnel have ended.
func (t *tunnel) carry(ctx context.Context, local io.ReadWriteCloser, port int) error {
	t.mu.Lock()
	request := strconv.Itoa(t.requests)
	t.requests++
	t.mu.Unlock()
	headers := http.Header{}
	headers.Set(corev1.PortHeader, strconv.Itoa(port))
	headers.Set(corev1.PortForwardRequestIDHeader, request)
	headers.Set(corev1.StreamType, corev1.StreamTypeError)
	failures, err := t.CreateStream(headers)
	if err != nil {
		return err
	}
	defer t.RemoveStreams(failures)
	failures.Close() // Nothing is written to it.
	headers.Set(corev1.StreamType, corev1.StreamTypeData)
	data, err := t.CreateStream(headers)
	if err != nil {
		return err
	}
	defer t.RemoveStreams(data)

	var copying sync.WaitGroup
	received, aborted, failed := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	copying.Go(func() {
		defer close(received)
		_, _ = io.Copy(local, data)
	})
	copying.Go(func() {
		_, err := io.Copy(data, local)
		data.Close() // The pod sees the end of what the client sends.
		if err != nil {
			close(aborted)
		}
	})
	copying.Go(func() {
		message, err := io.ReadAll(failures)
		if len(message) > 0 {
			err = errors.New(string(message))
		}
		failed <- err
	})
	select {
	case <-ctx.Done():
	case <-t.CloseChan():
		err = errLost
	case <-received:
	case <-aborted: // The client is gone.
	case err = <-failed:
		if err == nil {
			// The pod has closed the connection well; what it sent is still to be read.
			select {
			case <-received:
			case <-aborted:
			case <-ctx.Done():
			case <-t.CloseChan():
			}
		}
	}
	if err == nil {
		select {
		case err = <-failed:
		default:
		}
	}
	_ = data.Reset()
	_ = failures.Reset()
	local.Close()
	copying.Wait()
	return err
}
