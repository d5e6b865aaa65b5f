// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/klog/v2"
	"k8s.io/streaming/pkg/httpstream"
)

// ErrLost is the error of a command whose connection broke. It may have ended, or go on.
var ErrLost = errors.New("the connection to the container was lost")

// Exec is a command in a container. Streams may be nil.
type Exec struct {
	Namespace, Pod, Container string
	Argv                      []string
	Stdin                     io.Reader
	Stdout, Stderr            io.Writer
}

// Run runs the command until it has ended, by a WebSocket, or by SPDY where the server or a proxy knows only that. If
// ctx ends first, the command may go on without its streams. A command that ended with another code than 0 is a
// CodeExitError of k8s.io/client-go/util/exec. The error is ErrLost, or Unreachable, if the cluster was away. Nothing
// is written after the return; a Read of Stdin that has begun may still return.
func (e *Exec) Run(ctx context.Context, c *Connection) error {
	started := make(chan struct{})
	streams := &streams{from: cmp.Or[io.Reader](e.Stdin, strings.NewReader("")), started: sync.OnceFunc(func() {
		close(started)
	})}
	defer streams.close()
	var refused *apierrors.StatusError
	executor, err := e.executor(c, &refused)
	if err != nil {
		return err
	}
	// The library logs failures of streams that the result tells too.
	ctx, cancel := context.WithCancel(klog.NewContext(ctx, logr.Discard()))
	defer cancel()
	ended := make(chan error, 1)
	// Upstream: k8s.io/client-go v0.36, tools/remotecommand: what connects knows no end of the context. It ends by
	// itself when the server has answered or closed the connection, and is not waited for.
	go func() {
		ended <- executor.StreamWithContext(ctx, remotecommand.StreamOptions{
			Stdin: streams, Stdout: streams.to(e.Stdout), Stderr: streams.to(e.Stderr)})
	}()
	timer := time.NewTimer(CallTimeout)
	defer timer.Stop()
	for {
		select {
		case err := <-ended:
			switch {
			case err == nil:
			case refused != nil && strings.HasPrefix(err.Error(), "unable to upgrade"):
				return refused // SPDY has only its text.
			case strings.HasPrefix(err.Error(), "error reading from error stream"):
				return fmt.Errorf("%w: %w", ErrLost, err)
			}
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-started:
			started = nil
			timer.Stop()
		case <-timer.C:
			return apierrors.NewServiceUnavailable(fmt.Sprintf("the command has not begun within %s", CallTimeout))
		}
	}
}

// executor connects when it is used, once. Refused is set to what the server answers to a WebSocket instead.
func (e *Exec) executor(c *Connection, refused **apierrors.StatusError) (remotecommand.Executor, error) {
	url := c.Core.RESTClient().Post().Resource("pods").Namespace(e.Namespace).Name(e.Pod).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Container: e.Container, Command: e.Argv, Stdin: true,
			Stdout: e.Stdout != nil, Stderr: e.Stderr != nil}, scheme.ParameterCodec).URL()
	old, err := remotecommand.NewSPDYExecutor(c.Config, "POST", url)
	if err != nil {
		return nil, err
	}
	modern, err := remotecommand.NewWebSocketExecutor(c.Config, "GET", url.String())
	if err != nil {
		return nil, err
	}
	return remotecommand.NewFallbackExecutor(modern, old, func(err error) bool {
		var failure *httpstream.UpgradeFailureError
		if errors.As(err, &failure) {
			// The other way takes other rights, but a server that fails does so both ways.
			return !errors.As(failure.Cause, refused) || (*refused).ErrStatus.Code < http.StatusInternalServerError
		}
		return httpstream.IsHTTPSProxyError(err)
	})
}

// streams are those of a command. After close they are at their end, for the library goes on to use them.
type streams struct {
	from io.Reader
	// started is called at the first Read, which means that the server has answered.
	started func()

	mu     sync.Mutex
	closed bool
}

func (s *streams) Read(p []byte) (int, error) {
	s.started()
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return 0, io.EOF
	}
	return s.from.Read(p)
}

func (s *streams) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// to returns what writes to w until close, nil for nil.
func (s *streams) to(w io.Writer) io.Writer {
	if w == nil {
		return nil
	}
	return output{s, w}
}

type output struct {
	streams *streams
	to      io.Writer
}

func (o output) Write(p []byte) (int, error) {
	o.streams.mu.Lock()
	defer o.streams.mu.Unlock()
	if o.streams.closed {
		return 0, io.ErrClosedPipe
	}
	return o.to.Write(p)
}
