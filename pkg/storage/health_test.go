// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	testingclock "k8s.io/utils/clock/testing"
)

// newCheckOf returns a check that reads below /a, which the fake counts.
func newCheckOf(t *testing.T, fake *fakeEtcd, options ...grpc.ServerOption) (*etcdCheck, *testingclock.FakePassiveClock) {
	t.Helper()
	backend := newEtcdBackend(t, etcdAt(startFakeEtcd(t, fake, "", "", options...)))
	clock := testingclock.NewFakePassiveClock(time.Now())
	return newEtcdCheck("etcd", backend.source.client, "/a", time.Minute, clock), clock
}

func TestEtcdCheckReadsNowAndThen(t *testing.T) {
	fake := &fakeEtcd{}
	check, clock := newCheckOf(t, fake)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, step := range []struct {
		name   string
		passed time.Duration
		etcd   error
		reads  int64
		says   string
	}{
		{"at first", 0, nil, 1, ""},
		{"too soon", 29 * time.Second, rpctypes.ErrGRPCPermissionDenied, 0, ""},
		{"after half of the timeout", time.Second, rpctypes.ErrGRPCPermissionDenied, 1, "permission denied"},
		{"too soon again", 29 * time.Second, nil, 0, "permission denied"},
		{"when it's over", time.Second, nil, 1, ""},
	} {
		clock.SetTime(clock.Now().Add(step.passed))
		fake.refuse(step.etcd)
		for range 3 {
			// A canceled request is no failure of etcd.
			err := check.Check((&http.Request{}).WithContext(canceled))
			if step.says == "" && err != nil || step.says != "" && !errorHas(err, step.says) {
				t.Errorf("%s it says: %v", step.name, err)
			}
		}
		if got := fake.calls.Load(); got != step.reads {
			t.Errorf("%s it reads %d times", step.name, got)
		}
	}
}

// TestEtcdCheckReadsOnceAtATime calls the check during a read. All callers get the result of that.
func TestEtcdCheckReadsOnceAtATime(t *testing.T) {
	arrived, answer := make(chan struct{}), make(chan error)
	check, _ := newCheckOf(t, &fakeEtcd{}, grpc.UnaryInterceptor(
		func(context.Context, any, *grpc.UnaryServerInfo, grpc.UnaryHandler) (any, error) {
			arrived <- struct{}{}
			return nil, <-answer
		}))
	results := make(chan error, 3)
	for range cap(results) {
		go func() { results <- check.Check((&http.Request{}).WithContext(t.Context())) }()
	}
	<-arrived
	answer <- status.Error(codes.PermissionDenied, "no")
	for range cap(results) {
		if err := <-results; err == nil || !strings.Contains(err.Error(), "no") {
			t.Errorf("the check returns %v", err)
		}
	}
}
