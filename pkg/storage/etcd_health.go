// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"go.etcd.io/etcd/client/v3/kubernetes"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/utils/clock"
)

var errNotAnswered = errors.New("etcd was asked for the first time and hasn't answered yet")

// etcdCheck reads what takes a majority of etcd's members to be read. Anybody may
// ask for the check, which mustn't be a way to keep etcd busy: it reads once at a
// time and twice within the timeout at most. In between it says what it said last.
type etcdCheck struct {
	name    string
	client  *kubernetes.Client
	prefix  string
	timeout time.Duration
	clock   clock.PassiveClock

	mu sync.Mutex
	// began is when it was read last, and reading, nil unless that goes on, is
	// closed when it's over.
	began   time.Time
	reading chan struct{}
	// said is what came of the last time that is over.
	said error
}

var _ healthz.HealthChecker = (*etcdCheck)(nil)

func newEtcdCheck(name string, client *kubernetes.Client, prefix string, timeout time.Duration, clock clock.PassiveClock) *etcdCheck {
	return &etcdCheck{name: name, client: client, prefix: prefix, timeout: timeout, clock: clock, said: errNotAnswered}
}

// Name implements healthz.HealthChecker.
func (c *etcdCheck) Name() string { return c.name }

// Check implements healthz.HealthChecker. Who asks before there's anything to say
// waits for it.
func (c *etcdCheck) Check(request *http.Request) error {
	reading, mine, said := c.begin()
	if mine {
		// Others are told the same, who don't care whether this caller goes away.
		err := c.read(context.WithoutCancel(request.Context()))
		c.end(err)
		return err
	}
	if said != errNotAnswered {
		return said
	}
	select {
	case <-reading:
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.said
	case <-request.Context().Done():
		return said
	}
}

// begin tells whether it's time for the caller to read again, and if not what to
// say instead.
func (c *etcdCheck) begin() (reading <-chan struct{}, mine bool, said error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.Now()
	if c.reading != nil || now.Sub(c.began) < c.timeout/2 {
		return c.reading, false, c.said
	}
	c.began, c.reading = now, make(chan struct{})
	return c.reading, true, nil
}

func (c *etcdCheck) end(said error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said = said
	close(c.reading)
	c.reading = nil
}

func (c *etcdCheck) read(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	err := readHealth(ctx, c.client, c.prefix)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("etcd doesn't answer within %v", c.timeout)
	}
	return err
}
