// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/hack/e2e/etcd"
	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// TestRelay: what is asked of a run reaches it through any replica, wherever it runs, for those who may ask.
func TestRelay(t *testing.T) {
	f := newFleet(t, newCluster(t, 2, etcd.Start(t, etcd.Config{}), "--housekeeping=true"), 0)
	var addresses []string
	for i := range 2 {
		f.runners = append(f.runners, nil)
		addresses = append(addresses, freeAddress(t))
		f.start(i, "--endpoint=https://"+addresses[i], "--bind-address="+addresses[i])
	}
	f.runners = append(f.runners, nil)
	f.start(2)
	for i := range 3 {
		f.create(fmt.Sprintf("on-%d", i), "local_resource('job', cmd='echo hello from $0')\n"+
			"local_resource('later', cmd='echo triggered', auto_init=False, trigger_mode=TRIGGER_MODE_MANUAL)\n",
			v1alpha1.SessionSpec{
				ExitCondition: v1alpha1.ExitConditionManual, RunnerSelector: map[string]string{"id": fmt.Sprint(i)},
			})
	}
	viewer := f.cluster.sessions(f.front.User("vera", "viewers"))
	for i := range 2 {
		name := fmt.Sprintf("on-%d", i)
		f.eventually(name+" runs", func(ctx context.Context) bool {
			s, err := viewer.Get(ctx, name, metav1.GetOptions{})
			return err == nil && s.Status.PID != 0
		})
		f.followLog(name)
		_, err := viewer.Trigger(t.Context(), name, trigger("later"), metav1.CreateOptions{})
		if !apierrors.IsForbidden(err) {
			t.Errorf("a viewer triggers: %v", err)
		}
		if _, err := f.sessions.Trigger(t.Context(), name, trigger("unknown"), metav1.CreateOptions{}); !apierrors.IsNotFound(err) {
			t.Errorf("an unknown resource: %v", err)
		}
		dialer := &tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // A stranger does.
		if conn, err := dialer.DialContext(t.Context(), "tcp", addresses[i]); err == nil {
			// With TLS 1.3 the refusal follows the handshake.
			if _, err := conn.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "certificate") {
				t.Errorf("a stranger is let in: %v", err)
			}
			_ = conn.Close()
		}
	}
	f.eventually("a runner without an endpoint is said to have none", func(ctx context.Context) bool {
		_, err := f.sessions.Trigger(ctx, "on-2", trigger("later"), metav1.CreateOptions{})
		return apierrors.IsServiceUnavailable(err) && strings.Contains(err.Error(), "it has no spec.endpoint")
	})
	for _, r := range f.runners {
		r.Drain()
	}
}

func trigger(name string) *v1alpha1.SessionTrigger {
	return &v1alpha1.SessionTrigger{Spec: v1alpha1.SessionTriggerSpec{Resources: []string{name}}}
}

// followLog follows the log of a Session while a resource is triggered.
func (f *fleet) followLog(name string) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	config := f.front.User("vera", "viewers")
	stream, err := f.logStream(ctx, config, name)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = stream.Close() }()
	lines, triggered := bufio.NewScanner(stream), time.Time{}
	for lines.Scan() {
		switch {
		case strings.Contains(lines.Text(), "hello from") && triggered.IsZero():
			triggered = time.Now()
			if _, err := f.sessions.Trigger(ctx, name, trigger("later"), metav1.CreateOptions{}); err != nil {
				f.t.Fatalf("trigger a resource of %s: %v", name, err)
			}
		case strings.Contains(lines.Text(), "triggered"):
			f.t.Logf("%s: a line of the log comes %v after the request that leads to it", name, time.Since(triggered))
			return
		}
	}
	f.t.Errorf("the log of %s has ended: %v", name, lines.Err())
}

// freeAddress is an address of the loopback interface that nothing listens on.
func freeAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}
