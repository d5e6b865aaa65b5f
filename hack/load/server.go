// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// patience is how long the server may take to be ready.
const patience = 2 * time.Minute

// server is one that runs.
type server struct {
	cmd    *exec.Cmd
	output bytes.Buffer
	exited chan struct{}
	err    error // once exited is closed
	url    string
	client *http.Client
}

// startServer returns once the server is ready.
func startServer(ctx context.Context, bin, storage, dir string) (*server, error) {
	kubeconfig := filepath.Join(dir, "kubeconfig")
	args := []string{"serve", "--run-sessions=false", "--profiling", "--secure-port", "0", "--storage", storage, "--kubeconfig-out", kubeconfig}
	if storage == "file" {
		args = append(args, "--data-dir", filepath.Join(dir, "data"))
	}
	s := &server{cmd: exec.Command(bin, args...), exited: make(chan struct{})}
	s.cmd.Env = append(os.Environ(), "HOME="+dir, "KUBECONFIG="+filepath.Join(dir, "context"), "TILT_PORT=")
	s.cmd.Stdout, s.cmd.Stderr = &s.output, &s.output
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.exited)
	}()
	if err := s.await(ctx, kubeconfig); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// await asks until the server is ready.
func (s *server) await(ctx context.Context, kubeconfig string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if s.client == nil {
			if err := s.connect(kubeconfig); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		} else if _, err := s.do(ctx, http.MethodGet, "/readyz", "", nil); err == nil {
			return nil
		}
		select {
		case <-s.exited:
			return fmt.Errorf("the server has ended: %w\n%s", s.err, s.output.String())
		case <-ctx.Done():
			return fmt.Errorf("the server isn't ready: %w", context.Cause(ctx))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (s *server) connect(kubeconfig string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	config.DisableCompression = true
	config.QPS = -1
	if s.client, err = rest.HTTPClientFor(config); err != nil {
		return err
	}
	s.url = config.Host
	return nil
}

// stop ends the server in good order, if it hasn't ended.
func (s *server) stop() error {
	select {
	case <-s.exited:
		return nil
	default:
	}
	if s.client != nil {
		s.client.CloseIdleConnections()
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	<-s.exited
	if s.err != nil {
		return fmt.Errorf("the server has ended with %w\n%s", s.err, s.output.String())
	}
	return nil
}

// processor is the processor time that the server has taken.
func (s *server) processor() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	// What follows the name, which may contain anything but ends with ")".
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc tells %q of the server", text)
	}
	var ticks int64
	for _, field := range fields[11:13] { // in user mode, and in the kernel
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * (time.Second / 100), nil
}

// resident is how much memory the server has, in bytes, without pages of files.
func (s *server) resident() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	var size, resident, shared int64
	if _, err := fmt.Sscan(string(text), &size, &resident, &shared); err != nil {
		return 0, fmt.Errorf("/proc tells %q of the server's memory: %w", text, err)
	}
	return (resident - shared) * int64(os.Getpagesize()), nil
}
