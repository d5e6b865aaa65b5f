// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"syscall"
)

// ErrClosed is the error of Start after Close.
var ErrClosed = errors.New("no command is started any more")

// Options say what a Runner does for processes beyond its own reach.
type Options struct {
	// Guard is the program and arguments of a process that calls Guard with its
	// standard input. It's started with every Runner and ends the groups that are
	// left when this process dies without Close. Empty means none.
	Guard []string
	// GuardEnv are "KEY=value" entries that the guard's environment has besides
	// those of this process, the last one of a key wins.
	GuardEnv []string
	// AdoptOrphans makes this process the parent of orphaned descendants (Linux
	// only), so that those that left their group can be ended. It's for a
	// process that has one Runner and starts nothing in another session by
	// other means: whatever turns up in another session is taken for an orphan.
	AdoptOrphans bool
	// Warn is told about a guard that can't be started or has died; commands run
	// all the same. It may be called from any goroutine, and must not call the
	// Runner. Nil ignores it.
	Warn func(error)
}

// Runner starts commands and owns them until they have ended.
type Runner struct {
	// marker is the key of the variable by which descendants are recognised.
	marker  string
	null    *os.File
	guard   *guardian
	orphans *orphans
	// followers are the goroutines of the processes.
	followers sync.WaitGroup
	closing   sync.Once

	// launching is held for reading between a fork and the moment at which the
	// new child is known. Held for writing, every unknown child is a stranger.
	launching sync.RWMutex

	mu        sync.Mutex
	closed    bool
	started   uint64
	processes map[int]*Process
}

// New returns a Runner that the caller must Close. It doesn't wait for the
// guard to be up; what is registered meanwhile is not lost.
func New(options Options) (*Runner, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	r := &Runner{
		marker:    "TILT_SESSION_RUN_" + rand.Text()[:12],
		null:      null,
		processes: map[int]*Process{},
	}
	if len(options.Guard) > 0 {
		r.guard, err = startGuardian(options, r.marker, null, &r.launching)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("start guard: %w", err), null.Close())
		}
	}
	if options.AdoptOrphans {
		r.orphans, err = adoptOrphans(r)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("adopt orphans: %w", err), r.Close())
		}
	}
	return r, nil
}

// Start launches a command. It returns as soon as the program is executing. The
// error says what was wrong with the program or the directory.
func (r *Runner) Start(spec Spec) (*Process, error) {
	if len(spec.Argv) == 0 {
		return nil, errEmptyArgv
	}
	if err := checkDir(spec.Dir); err != nil {
		return nil, err
	}
	env := MergeEnv(spec.Env)
	path, err := lookPath(spec.Argv[0], spec.Dir, env)
	if err != nil {
		return nil, err
	}
	outputs, err := newOutputs(spec)
	if err != nil {
		return nil, err
	}
	p, err := r.launch(path, spec, env, outputs)
	for _, o := range outputs {
		o.closeWriteEnd()
		if err != nil {
			_ = o.pipe.Close()
		}
	}
	if err != nil {
		return nil, err
	}
	p.outputs = outputs
	for _, o := range outputs {
		go o.copy()
	}
	go p.supervise()
	return p, nil
}

// launch forks, and makes the new process known.
func (r *Runner) launch(path string, spec Spec, env []string, outputs []*output) (*Process, error) {
	r.launching.RLock()
	defer r.launching.RUnlock()
	number, err := r.admit()
	if err != nil {
		return nil, err
	}
	handle, err := os.StartProcess(path, spec.Argv, &os.ProcAttr{
		Dir:   spec.Dir,
		Env:   append(env, r.marker+"="+strconv.FormatUint(number, 10)),
		Files: []*os.File{cmp.Or(spec.Stdin, r.null), outputs[0].writeEnd, outputs[len(outputs)-1].writeEnd},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		r.followers.Done()
		return nil, explain(err, path, spec.Dir)
	}
	p := &Process{runner: r, pid: handle.Pid, number: number, handle: handle, done: make(chan struct{})}
	r.guard.add(p.pid)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.processes[p.pid] = p
	return p, nil
}

// admit counts a process in, unless the Runner is closed.
func (r *Runner) admit() (number uint64, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return 0, ErrClosed
	}
	r.followers.Add(1)
	r.started++
	return r.started, nil
}

// forget drops a process that has ended.
func (r *Runner) forget(p *Process) {
	r.guard.remove(p.pid)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.processes[p.pid] == p {
		delete(r.processes, p.pid)
	}
}

// Close kills every process that is left, waits until all are gone and their
// output was delivered, and ends the guard. Detached descendants of commands that
// had ended before are, where they're found, asked to end and have two seconds for
// it. Nothing can be started any more. Close may be called again and then waits for
// the same.
func (r *Runner) Close() error {
	var err error
	r.closing.Do(func() { err = r.close() })
	return err
}

func (r *Runner) close() error {
	r.stopStarting()
	for _, p := range r.left() {
		p.Stop(0)
	}
	r.followers.Wait()
	r.orphans.end()
	return errors.Join(r.guard.end(), r.null.Close())
}

// stopStarting returns when every command was either started or refused.
func (r *Runner) stopStarting() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.launching.Lock()
	defer r.launching.Unlock()
}

func (r *Runner) left() []*Process {
	r.mu.Lock()
	defer r.mu.Unlock()
	left := make([]*Process, 0, len(r.processes))
	for _, p := range r.processes {
		left = append(left, p)
	}
	return left
}
