// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"tilt.dev/session/pkg/compose/dockerapi"
	"tilt.dev/session/pkg/process"
)

// connect returns the client of the engine that Compose uses in an environment. It contacts no engine.
func (r *Runner) connect(ctx context.Context, environ []string) (*dockerapi.Client, error) {
	key := variables(environ, "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "HOME", "DOCKER_TLS_VERIFY",
		"DOCKER_TLS", "DOCKER_CERT_PATH", "PATH")
	return r.clients.get(key, func() (*dockerapi.Client, error) {
		ctx, cancel := r.limited(ctx)
		defer cancel()
		return connect(ctx, r.options.Start, environ)
	})
}

func connect(ctx context.Context, start func(process.Spec) (*process.Process, error),
	environ []string) (*dockerapi.Client, error) {
	tls := variables(environ, "DOCKER_TLS_VERIFY", "DOCKER_TLS", "DOCKER_CERT_PATH")
	host := lookup(environ, "DOCKER_HOST")
	direct := host != "" && !strings.HasPrefix(host, "ssh://") && strings.TrimSpace(tls) == ""
	if host == "" {
		out, err := query(ctx, start, environ, "docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
		if err != nil && !errors.As(err, new(missing)) {
			return nil, fmt.Errorf("find the engine of the Docker context: %w; mend the context or set DOCKER_HOST", err)
		}
		if host = strings.TrimSpace(out); host == "" {
			// There is only the standalone docker-compose.
			host, direct = dockerapi.DefaultHost, true
		}
	}
	if direct {
		return dockerapi.New(host, nil)
	}
	return dockerapi.New(host, func(context.Context) (net.Conn, error) { return tunnel(start, environ, host) })
}

// tunnel is a connection to the engine by Docker's own client, which knows how to reach it.
func tunnel(start func(process.Spec) (*process.Process, error), environ []string, host string) (net.Conn, error) {
	stdin, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out, stdout := io.Pipe()
	t := &tunneled{File: in, out: out, host: address(host)}
	p, err := start(process.Spec{
		Argv: []string{"docker", "system", "dial-stdio"}, Env: environ, Stdin: stdin, Output: stdout, Stderr: &t.words,
	})
	t.process = p
	_ = stdin.Close() // The process has its own.
	if err != nil {
		_ = in.Close()
		return nil, err
	}
	go func() {
		<-p.Done()
		_ = stdout.CloseWithError(t.end())
	}()
	return t, nil
}

// tunneled is a connection through the standard streams of a process.
type tunneled struct {
	*os.File
	out     *io.PipeReader
	process *process.Process
	// words are what the process says on stderr.
	words lastLine
	host  address
}

var _ net.Conn = (*tunneled)(nil)

func (t *tunneled) Read(p []byte) (int, error) { return t.out.Read(p) }

// Write fails once the process has ended.
func (t *tunneled) Write(p []byte) (int, error) {
	n, err := t.File.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		<-t.process.Done()
		err = t.end()
	}
	return n, err
}

// end is why the process has ended.
func (t *tunneled) end() error {
	exit := t.process.Exit()
	if exit.Code == 0 {
		return io.EOF
	}
	last := t.words // Both directions may ask.
	return dockerapi.TunnelError("docker system dial-stdio: " + reason(last.text(), exit))
}

// Close ends the process and waits for it.
func (t *tunneled) Close() error {
	_ = t.out.Close()
	_ = t.File.Close()
	t.process.Stop(0)
	<-t.process.Done()
	return nil
}

// Deadlines aren't needed: requests end by closing their connections.
func (t *tunneled) SetDeadline(time.Time) error      { return nil }
func (t *tunneled) SetReadDeadline(time.Time) error  { return nil }
func (t *tunneled) SetWriteDeadline(time.Time) error { return nil }

func (t *tunneled) LocalAddr() net.Addr  { return address("stdio") }
func (t *tunneled) RemoteAddr() net.Addr { return t.host }

// address is the name of an engine as a network address.
type address string

func (address) Network() string  { return "docker" }
func (a address) String() string { return string(a) }
