// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// patience bounds every wait for a process.
const patience = time.Minute

// Run kills the subject's processes until one of them does something wrong, or
// the options are satisfied. The error says what was wrong.
func Run(ctx context.Context, subject Subject, options Options) (Summary, error) {
	r := &run{subject: subject, options: options, ledger: newLedger(), random: rand.New(rand.NewPCG(options.Seed, 0))}
	var err error
	for r.ledger.summary.Kills < options.Kills && err == nil {
		if err = ctx.Err(); err == nil {
			err = r.life(ctx)
		}
	}
	if err == nil {
		err = r.last(ctx)
	}
	r.ledger.summary.Version = r.ledger.highest
	return r.ledger.summary, err
}

// run is a run in progress.
type run struct {
	subject Subject
	options Options
	ledger  *ledger
	random  *rand.Rand
}

// life starts a process and kills it.
func (r *run) life(ctx context.Context) error {
	process, err := r.subject.Start()
	if err != nil {
		return fmt.Errorf("starting: %w", err)
	}
	number := r.ledger.summary.Kills + 1
	if r.random.IntN(8) == 0 {
		r.ledger.summary.Early++
		err = pause(ctx, time.Duration(r.random.Int64N(int64(r.slowest()))))
	} else {
		err = r.serve(ctx, process)
	}
	err = errors.Join(err, process.Kill())
	r.ledger.summary.Kills++
	if err == nil && r.options.Between != nil {
		err = r.options.Between()
	}
	if err != nil {
		return fmt.Errorf("process %d: %w", number, err)
	}
	if number%20 == 0 && r.options.Log != nil {
		r.options.Log("%+v", r.ledger.summary)
	}
	return nil
}

// slowest returns the longest time until a process was ready.
func (r *run) slowest() time.Duration { return max(r.ledger.summary.SlowestStart, time.Millisecond) }

// serve checks a process after its start, and kills it during writes.
func (r *run) serve(ctx context.Context, process Process) error {
	if err := r.inspect(ctx, process); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var running sync.WaitGroup
	var killed atomic.Bool
	errs := make(chan error, r.options.Writers+1)
	if r.random.IntN(3) > 0 { // otherwise the next process sends all events
		running.Go(func() { errs <- r.watch(ctx, process) })
	}
	for writer := range r.options.Writers {
		random := rand.New(rand.NewPCG(r.random.Uint64(), 0))
		running.Go(func() { errs <- r.write(ctx, process, &killed, writer, random) })
	}
	err := pause(ctx, time.Duration(r.random.Int64N(int64(r.options.Life))))
	killed.Store(true)
	err = errors.Join(err, process.Kill())
	cancel()
	running.Wait()
	close(errs)
	for wrong := range errs {
		err = errors.Join(err, wrong)
	}
	return err
}

// inspect checks the objects of a process, and lets the watch catch up.
func (r *run) inspect(ctx context.Context, process Process) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	began := time.Now()
	if err := process.Ready(ctx); err != nil {
		return fmt.Errorf("waiting until it is ready: %w", err)
	}
	r.ledger.summary.SlowestStart = max(r.ledger.summary.SlowestStart, time.Since(began))
	found, version, err := process.List(ctx)
	if err != nil {
		return fmt.Errorf("listing: %w", err)
	}
	if err := r.ledger.check(found, version); err != nil {
		return err
	}
	return r.catchUp(ctx, process)
}

// catchUp watches until the events of all effective writes have come.
func (r *run) catchUp(ctx context.Context, process Process) error {
	watching, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- r.watch(watching, process) }()
	complete, err := false, error(nil)
	for !complete && err == nil {
		if complete, err = r.ledger.compare(); complete || err != nil {
			break
		}
		if pause(ctx, time.Millisecond) != nil {
			err = fmt.Errorf("the watch did not send %s", r.ledger.missing())
		}
	}
	cancel()
	return errors.Join(err, <-ended)
}

// watch continues after the last event.
func (r *run) watch(ctx context.Context, process Process) error {
	return process.Watch(ctx, r.ledger.resume(), r.ledger.see)
}

// last is the life of a process that is killed when all was compared.
func (r *run) last(ctx context.Context) error {
	process, err := r.subject.Start()
	if err != nil {
		return fmt.Errorf("starting: %w", err)
	}
	return errors.Join(r.inspect(ctx, process), process.Kill())
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
