// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package lease

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	client "tilt.dev/session/pkg/generated/clientset/versioned/typed/core/v1alpha1"
)

// store keeps one record, as a server does that can fail and be slow.
type store struct {
	client.RunnerInterface
	mu      sync.Mutex
	record  *v1alpha1.Runner
	created int
	renewed int
	fail    error
	delay   time.Duration
}

func (s *store) enter(ctx context.Context) error {
	s.mu.Lock()
	fail, delay := s.fail, s.delay
	s.mu.Unlock()
	select {
	case <-time.After(delay):
		return fail
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *store) set(fail error, delay time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail, s.delay = fail, delay
}

// state is the record, nil without one, and how often it was renewed.
func (s *store) state() (*v1alpha1.Runner, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.record.DeepCopy(), s.renewed
}

func (s *store) Create(
	ctx context.Context, record *v1alpha1.Runner, _ metav1.CreateOptions,
) (*v1alpha1.Runner, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.record != nil {
		return nil, apierrors.NewAlreadyExists(v1alpha1.Resource("runners"), record.Name)
	}
	s.created++
	record.UID = types.UID(strings.Repeat("u", s.created))
	s.record = record
	return record.DeepCopy(), nil
}

func (s *store) Get(ctx context.Context, name string, _ metav1.GetOptions) (*v1alpha1.Runner, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.record == nil {
		return nil, apierrors.NewNotFound(v1alpha1.Resource("runners"), name)
	}
	return s.record.DeepCopy(), nil
}

func (s *store) UpdateStatus(
	ctx context.Context, record *v1alpha1.Runner, _ metav1.UpdateOptions,
) (*v1alpha1.Runner, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.record == nil:
		return nil, apierrors.NewNotFound(v1alpha1.Resource("runners"), record.Name)
	case s.record.UID != record.UID:
		return nil, apierrors.NewConflict(v1alpha1.Resource("runners"), record.Name, errors.New("another UID"))
	}
	s.renewed++
	s.record.Status = record.Status
	return s.record.DeepCopy(), nil
}

func (s *store) Delete(ctx context.Context, _ string, options metav1.DeleteOptions) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.record != nil && s.record.UID == *options.Preconditions.UID {
		s.record = nil
	}
	return nil
}

// held is a lease of 15 seconds that is renewed until the test ends.
func held(t *testing.T, s *store) (*Lease, func() time.Duration) {
	begin := time.Now()
	uptime := func() time.Duration { return time.Hour + time.Since(begin) }
	l, err := Register(t.Context(), Options{
		Client: s, Uptime: uptime, Extended: func(time.Duration) {},
		Status: func() v1alpha1.RunnerStatus { return v1alpha1.RunnerStatus{Running: 2} },
		Record: &v1alpha1.Runner{
			ObjectMeta: metav1.ObjectMeta{Name: "one"},
			Spec:       v1alpha1.RunnerSpec{Capacity: 1, LeaseDurationSeconds: 15},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { l.Run(ctx); close(ended) }()
	t.Cleanup(func() { stop(); <-ended })
	return l, uptime
}

func TestRenewals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{}
		l, _ := held(t, s)
		time.Sleep(time.Minute)
		synctest.Wait()
		record, renewed := s.state()
		if l.Lost() != nil || renewed < 12 || renewed > 14 || record.Status.Running != 2 {
			t.Errorf("lost %v after %d renewals", l.Lost(), renewed)
		}
		if claim := l.Claim(); claim.UID != "u" || claim.Name != "one" || claim.LeaseDurationSeconds != 15 {
			t.Errorf("claim %+v", claim)
		}
	})
}

// The deadline counts from before the last renewal was sent, and is earlier than that of others.
func TestDeadline(t *testing.T) {
	for name, c := range map[string]struct {
		fail  error
		delay time.Duration
	}{
		"refused":      {errors.New("the storage is away"), 0},
		"never comes":  {nil, time.Hour},
		"slow refusal": {errors.New("the storage is away"), 4 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &store{}
				l, _ := held(t, s)
				time.Sleep(time.Minute + time.Second)
				record, _ := s.state()
				last := record.Status.RenewTime.Time
				s.set(c.fail, c.delay)
				<-l.Done()
				if took := time.Since(last); took < 11*time.Second || took > 12*time.Second+look {
					t.Errorf("lost %v after the last renewal", took)
				}
				if left := Patience(15) - time.Since(last); left < 5*time.Second {
					t.Errorf("others give up only %v later", left)
				}
				s.set(nil, 0)
				time.Sleep(time.Minute)
				if l.Lost() == nil {
					t.Error("a lost lease is back")
				}
			})
		})
	}
}

// An outage that is shorter than the lease loses nothing.
func TestShortOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{}
		l, _ := held(t, s)
		for range 5 {
			s.set(errors.New("the storage is away"), 0)
			time.Sleep(5 * time.Second)
			s.set(nil, 0)
			time.Sleep(10 * time.Second)
		}
		if err := l.Lost(); err != nil {
			t.Error(err)
		}
	})
}

// A process that was stopped knows that its claims are lost before it does anything else.
func TestStoppedProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, jump := &store{}, time.Duration(0)
		l, err := Register(t.Context(), Options{
			Client: s, Uptime: func() time.Duration { return time.Hour + jump }, Extended: func(time.Duration) {},
			Status: func() v1alpha1.RunnerStatus { return v1alpha1.RunnerStatus{} },
			Record: &v1alpha1.Runner{Spec: v1alpha1.RunnerSpec{LeaseDurationSeconds: 15}},
		})
		if err != nil || l.Lost() != nil {
			t.Fatal(err, l.Lost())
		}
		jump = 11999 * time.Millisecond
		if err := l.Lost(); err != nil {
			t.Error(err)
		}
		jump = 12 * time.Second
		if l.Lost() == nil {
			t.Error("not lost")
		}
	})
}

func TestReplacement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{}
		first, _ := held(t, s)
		time.Sleep(time.Minute)
		second, _ := held(t, s)
		<-first.Done()
		if err := first.Lost(); !errors.Is(err, ErrReplaced) {
			t.Errorf("the first is lost: %v", err)
		}
		if err := first.Release(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		if second.Lost() != nil || second.Claim().UID == first.Claim().UID {
			t.Errorf("the second: %v, %+v", second.Lost(), second.Claim())
		}
		err := second.Release(t.Context())
		if record, _ := s.state(); err != nil || record != nil {
			t.Errorf("released: %v, %+v", err, record)
		}
		<-second.Done()
		if err := second.Lost(); errors.Is(err, ErrReplaced) || !strings.Contains(err.Error(), "deleted") {
			t.Errorf("the second is lost: %v", err)
		}
	})
}
