// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
)

// ErrClosed is the error of Start after Close.
var ErrClosed = errors.New("runner is closed")

// Options configure a Runner.
type Options struct {
	// Guard is the program and arguments of a process that calls Guard with its standard input. The Runner starts
	// it; it kills the remaining groups if this process dies without Close. Empty means no guard.
	Guard []string
	// GuardEnv are "KEY=value" entries that the guard's environment has in addition
	// to that of this process; the last entry of a key wins.
	GuardEnv []string
	// AdoptOrphans makes this process the parent of orphaned descendants (Linux only), so that the Runner can end
	// those that left their group. It treats every child in another session as an orphan. So the process must have
	// one Runner, and start no child in another session by other means.
	AdoptOrphans bool
	// Warn, if set, is called if the guard can't be started or has died. Commands run all the same. It may be
	// called from any goroutine, and must not call the Runner.
	Warn func(error)
}

// Runner starts commands and owns them until they have ended.
type Runner struct {
	// marker is the key of the environment variable of all descendants.
	marker  string
	null    *os.File
	guard   *guardian
	orphans *orphans
	// followers are the goroutines of the processes.
	followers sync.WaitGroup
	closing   sync.Once

	// launching is held for reading from a fork until the new child is known. While
	// it is held for writing, this Runner started no unknown child.
	launching sync.RWMutex

	// deadline is an Uptime, 0 for none.
	deadline atomic.Int64

	mu        sync.Mutex
	closed    bool
	started   uint64
	processes map[int]*Process
}

// New returns a Runner that the caller must Close. It doesn't wait for the guard
// to start; the guard reads earlier registrations later.
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

// Start launches a command. It returns when the program is executing, or with an
// error that names what is wrong with the program or the directory.
func (r *Runner) Start(spec Spec) (*Process, error) {
	if len(spec.Argv) == 0 {
		return nil, errors.New("exec: no command")
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

// launch forks, and registers the new process.
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
	if r.late() {
		signalGroup(p.pid, syscall.SIGKILL) // This process was stopped before it started the command.
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.processes[p.pid] = p
	return p, nil
}

// admit counts a new process, unless the Runner is closed.
func (r *Runner) admit() (number uint64, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return 0, ErrClosed
	}
	if r.late() {
		return 0, ErrLate
	}
	r.followers.Add(1)
	r.started++
	return r.started, nil
}

// forget unregisters a process that has ended.
func (r *Runner) forget(p *Process) {
	r.guard.remove(p.pid)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.processes[p.pid] == p {
		delete(r.processes, p.pid)
	}
}

// Close kills every remaining process, waits until all are gone and their output is delivered, and ends the guard.
// Detached descendants of commands that ended earlier get SIGTERM, and SIGKILL after two seconds. Start fails from
// then on. A second Close waits for the first.
func (r *Runner) Close() error {
	var err error
	r.closing.Do(func() { err = r.close() })
	return err
}

func (r *Runner) close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.launching.Lock() // Commands that are being launched are known afterwards.
	r.mu.Lock()
	left := slices.Collect(maps.Values(r.processes))
	r.mu.Unlock()
	r.launching.Unlock()
	for _, p := range left {
		p.Stop(0)
	}
	r.followers.Wait()
	r.orphans.end()
	return errors.Join(r.guard.end(), r.null.Close())
}
