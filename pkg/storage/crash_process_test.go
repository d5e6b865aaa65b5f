// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/rpc"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"tilt.dev/session/pkg/testing/crash"
)

// servedDirectory names the directory that this program serves to the one that
// started it, instead of running tests.
const servedDirectory = "TILT_SESSION_TEST_SERVED_DIRECTORY"

// crashSubject starts this program as a process that is killed.
type crashSubject struct {
	dir string
	log func(format string, arguments ...any)
}

func exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "storage.db"))
	return err == nil
}

// Start starts it, and talks to it through its standard input and output.
func (s *crashSubject) Start() (crash.Process, error) {
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), servedDirectory+"="+s.dir)
	complaints := &lastBytes{}
	command.Stderr = complaints
	in, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	return &crashProcess{command: command, client: rpc.NewClient(stream{out, in}), complaints: complaints}, nil
}

// stream is a connection of two pipes.
type stream struct {
	io.ReadCloser
	io.Writer
}

// lastBytes keeps the end of what a process complains about.
type lastBytes struct {
	mu   sync.Mutex
	text []byte
}

func (b *lastBytes) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = append(b.text, text...)
	b.text = b.text[max(len(b.text)-4<<10, 0):]
	return len(text), nil
}

func (b *lastBytes) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.text)
}

// crashProcess is the process as its clients see it.
type crashProcess struct {
	command    *exec.Cmd
	client     *rpc.Client
	complaints *lastBytes
	killing    sync.Once
	killed     error
}

// call waits for an answer no longer than ctx, or the process's death.
func (p *crashProcess) call(ctx context.Context, method string, arguments CrashRequest) (CrashReply, error) {
	var reply CrashReply
	call := p.client.Go("Pods."+method, arguments, &reply, make(chan *rpc.Call, 1))
	select {
	case <-call.Done:
		if call.Error != nil {
			return reply, fmt.Errorf("%w; the process said %q", call.Error, p.complaints)
		}
		return reply, nil
	case <-ctx.Done():
		return CrashReply{}, ctx.Err()
	}
}

func (p *crashProcess) Ready(ctx context.Context) error {
	_, err := p.call(ctx, "Ready", CrashRequest{})
	return err
}

func (p *crashProcess) Create(ctx context.Context, name, content string) (int64, error) {
	reply, err := p.call(ctx, "Create", CrashRequest{Name: name, Content: content})
	return reply.Version, err
}

func (p *crashProcess) Update(ctx context.Context, name, content string, version int64) (int64, error) {
	reply, err := p.call(ctx, "Update", CrashRequest{Name: name, Content: content, Version: version})
	return reply.Version, err
}

func (p *crashProcess) Delete(ctx context.Context, name string, version int64) error {
	_, err := p.call(ctx, "Delete", CrashRequest{Name: name, Version: version})
	return err
}

func (p *crashProcess) List(ctx context.Context) (map[string]crash.Object, int64, error) {
	reply, err := p.call(ctx, "List", CrashRequest{})
	return reply.Objects, reply.Version, err
}

func (p *crashProcess) Watch(ctx context.Context, version int64, seen func(crash.Event) error) error {
	opened, err := p.call(ctx, "Watch", CrashRequest{Version: version})
	for err == nil {
		var next CrashReply
		switch next, err = p.call(ctx, "Next", CrashRequest{Version: opened.Version}); {
		case err != nil:
		case next.Event == nil:
			opened, err = p.call(ctx, "Watch", CrashRequest{Version: version})
		default:
			version = next.Event.Version
			if err := seen(*next.Event); err != nil {
				return err
			}
		}
	}
	if refused := rpc.ServerError(""); errors.As(err, &refused) {
		return err
	}
	return nil // it is dead, or was asked to stop
}

// Kill kills the process.
func (p *crashProcess) Kill() error {
	p.killing.Do(func() {
		p.killed = p.command.Process.Kill()
		err := p.command.Wait() // which closes the pipes
		if status := p.command.ProcessState; status == nil || status.Exited() {
			p.killed = errors.Join(p.killed, fmt.Errorf("it ended by itself (%w) and said %q", err, p.complaints))
		}
		_ = p.client.Close()
	})
	return p.killed
}
