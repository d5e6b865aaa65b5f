// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/procfs"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"tilt.dev/session/hack/bench/child"
)

const (
	// patience is how long a server may take to be ready.
	patience = 2 * time.Minute
	// poll is how often a starting server is asked whether it's ready. It
	// bounds the precision of the time that a start takes.
	poll = time.Millisecond

	// kubeconfigFile says how to reach a server of Sessions.
	kubeconfigFile = "server.kubeconfig"
	// endpointFile has the URL of etcd.
	endpointFile = "etcd-endpoint"
)

// server is a contender that runs, with the processes that it needs.
type server struct {
	contender
	options *options
	dir     string
	etcd    *child.Process
	process *child.Process
	config  *rest.Config
}

// start starts a contender in dir and returns once it is ready. The time is
// that of the server alone, without the etcd beside it.
func start(ctx context.Context, o *options, c contender, dir string) (*server, time.Duration, error) {
	s := &server{contender: c, options: o, dir: dir}
	if c.needsEtcd {
		if err := s.startEtcd(ctx); err != nil {
			return nil, 0, err
		}
	}
	took, err := s.launch(ctx)
	if err != nil {
		return nil, 0, errors.Join(err, s.stop())
	}
	return s, took, nil
}

func (s *server) startEtcd(ctx context.Context) error {
	args, err := self("serve-etcd")(s.options, s.dir)
	if err != nil {
		return err
	}
	s.etcd, err = child.Start(child.Command{Args: args, Dir: s.dir, Log: filepath.Join(s.dir, "etcd.log")})
	if err != nil {
		return err
	}
	err = await(ctx, s.etcd, func() bool {
		_, err := os.Stat(filepath.Join(s.dir, endpointFile))
		return err == nil
	})
	if err != nil {
		return errors.Join(err, s.etcd.Stop())
	}
	return nil
}

// launch starts the process of the server and waits until it says that it is
// ready and lists Sessions.
func (s *server) launch(ctx context.Context) (time.Duration, error) {
	args, err := s.args(s.options, s.dir)
	if err != nil {
		return 0, err
	}
	kubeconfig := filepath.Join(s.dir, kubeconfigFile)
	if err := os.Remove(kubeconfig); err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, err
	}
	began := time.Now()
	s.process, err = child.Start(child.Command{
		Args: args, Dir: s.dir, Log: filepath.Join(s.dir, "server.log"),
		// Nothing of the user's is read or written.
		Env: []string{"HOME=" + s.dir, "XDG_STATE_HOME=", "TILT_PORT=",
			"KUBECONFIG=" + filepath.Join(s.dir, "kubeconfig"), "TILT_CONFIG=" + filepath.Join(s.dir, "tilt-config")},
	})
	if err != nil {
		return 0, err
	}
	s.config = nil
	var probe *client
	err = await(ctx, s.process, func() bool {
		if s.config == nil {
			if s.config, err = clientcmd.BuildConfigFromFlags("", kubeconfig); err != nil {
				s.config = nil
				return false
			}
			if probe, err = newClient(s.config); err != nil {
				s.config = nil
				return false
			}
		}
		// A stock server is ready before its watch cache, which answers lists
		// without a limit. This one is empty.
		for _, path := range []string{"/readyz", sessionsPath + "?labelSelector=team%3Dnone"} {
			if _, err := probe.do(ctx, http.MethodGet, path, "", nil); err != nil {
				return false
			}
		}
		return true
	})
	took := time.Since(began)
	if probe != nil {
		probe.close()
	}
	return took, err
}

// await polls until the process is ready.
func await(ctx context.Context, p *child.Process, ready func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("the server isn't ready after %v", patience))
	defer cancel()
	ticks := time.NewTicker(poll)
	defer ticks.Stop()
	for !ready() {
		select {
		case <-p.Exited():
			return errors.Join(errors.New("the server has ended before it was ready"), p.Err())
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticks.C:
		}
	}
	return nil
}

// stopProcess ends the server and waits for it. An etcd beside it goes on.
func (s *server) stopProcess() error {
	if s.process == nil {
		return nil
	}
	return s.process.Stop()
}

// stop ends everything and waits for it.
func (s *server) stop() error {
	err := s.stopProcess()
	if s.etcd != nil {
		err = errors.Join(err, s.etcd.Stop())
	}
	return err
}

// processes are those whose memory and processor time count.
func (s *server) processes() []*child.Process {
	if s.etcd == nil {
		return []*child.Process{s.process}
	}
	return []*child.Process{s.process, s.etcd}
}

// cpu is the processor time that the server has used, in ticks of 10 ms.
func (s *server) cpu() (time.Duration, error) {
	var total float64
	for _, p := range s.processes() {
		proc, err := procfs.NewProc(p.Pid())
		if err != nil {
			return 0, err
		}
		stat, err := proc.Stat()
		if err != nil {
			return 0, err
		}
		total += stat.CPUTime()
	}
	return time.Duration(total * float64(time.Second)), nil
}

// memory is the resident set of the server, and how much of it isn't backed by
// files, in bytes.
func (s *server) memory() (rss, anonymous uint64, err error) {
	for _, p := range s.processes() {
		proc, err := procfs.NewProc(p.Pid())
		if err != nil {
			return 0, 0, err
		}
		status, err := proc.NewStatus()
		if err != nil {
			return 0, 0, err
		}
		rss, anonymous = rss+status.VmRSS, anonymous+status.RssAnon
	}
	return rss, anonymous, nil
}

// dataSize is the size of all files of the server, in bytes.
func (s *server) dataSize() (total int64, err error) {
	err = filepath.WalkDir(s.dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			total += info.Size()
		}
		return err
	})
	return total, err
}
