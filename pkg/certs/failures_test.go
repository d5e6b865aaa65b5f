// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	testingclock "k8s.io/utils/clock/testing"
)

var forbidden = apierrors.NewForbidden(corev1.Resource("things"), "", errors.New("no rule says so"))

// A server needs the Secret to start.
func TestSecretIsRequired(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		prepare func(*cluster)
		want    []string
	}{
		"may not be read":       {func(c *cluster) { c.refuse("GET "+secretPath, forbidden) }, []string{"read Secret prod/serving", "no rule says so", "tilt-session:certificates"}},
		"may not be created":    {func(c *cluster) { c.refuse("POST "+secretsPath, forbidden) }, []string{"write Secret prod/serving", "no rule says so", "tilt-session:certificates"}},
		"is of another program": {func(c *cluster) { c.keep(map[string][]byte{"tls.crt": []byte("a"), "tls.key": []byte("b")}) }, []string{"Secret prod/serving", "ca.key", "delete it"}},
		"is damaged": {func(c *cluster) {
			c.keep(map[string][]byte{"ca.crt": []byte("garbage"), "ca.key": []byte("b")})
		}, []string{"Secret prod/serving", "ca.crt: data does not contain", "delete it"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			test.prepare(c)
			_, err := NewShared(t.Context(), c.sharedOptions(testingclock.NewFakeClock(time.Now())))
			if err == nil {
				t.Fatal("it starts")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q isn't in %v", want, err)
				}
			}
			if c.bundle() != nil {
				t.Error("something is published")
			}
		})
	}
}

// keep sets the data of the Secret.
func (c *cluster) keep(data map[string][]byte) {
	encoded := map[string]any{}
	for key, value := range data {
		encoded[key] = value
	}
	c.put(secretPath, map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "serving", "namespace": "prod"}, "data": encoded})
}

// A server fills an empty Secret.
func TestEmptySecretIsFilled(t *testing.T) {
	t.Parallel()
	c, clock := newCluster(t), testingclock.NewFakeClock(time.Now())
	c.keep(nil)
	checkVerified(t, c, clock, startShared(t, c, clock))
}

// A server that can't publish its authority starts, reports it, and publishes later.
func TestPublishingIsMadeUpFor(t *testing.T) {
	t.Parallel()
	invalid := apierrors.NewInvalid(schema.GroupKind{Kind: "APIService"}, "v1alpha1.tilt.dev", nil)
	for name, test := range map[string]struct {
		broken, repaired func(*cluster)
		want             []string
	}{
		"no APIService": {
			func(c *cluster) {
				c.refuse("GET "+apiServicePath, apierrors.NewNotFound(corev1.Resource("apiservices"), "v1alpha1.tilt.dev"))
			},
			func(c *cluster) { c.refuse("GET "+apiServicePath, nil) },
			[]string{"APIService v1alpha1.tilt.dev", "not found", "api/deploy/kubernetes"},
		},
		"no right to write": {
			func(c *cluster) { c.refuse("PATCH "+apiServicePath, forbidden) },
			func(c *cluster) { c.refuse("PATCH "+apiServicePath, nil) },
			[]string{"APIService v1alpha1.tilt.dev", "no rule says so", "tilt-session:certificates"},
		},
		"insecure": {
			func(c *cluster) { c.refuse("PATCH "+apiServicePath, invalid) },
			func(c *cluster) { c.refuse("PATCH "+apiServicePath, nil) },
			[]string{"APIService v1alpha1.tilt.dev", "insecureSkipTLSVerify"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, clock := newCluster(t), testingclock.NewFakeClock(time.Now())
			test.broken(c)
			s := startShared(t, c, clock)
			problem := s.Published()
			if problem == nil {
				t.Fatal("Published returns nil")
			}
			for _, want := range test.want {
				if !strings.Contains(problem.Error(), want) {
					t.Errorf("%q isn't in %v", want, problem)
				}
			}
			test.repaired(c)
			stop := run(t, s)
			defer stop()
			eventually(t, "it waits for its next sync", clock.HasWaiters)
			clock.Step(minRetry)
			eventually(t, "it's published", func() bool { return s.Published() == nil })
			checkVerified(t, c, clock, s)
			// A later failure to publish does not affect readiness.
			test.broken(c)
			c.remove(secretPath)
			if err := s.RunOnce(t.Context()); err == nil || s.Published() != nil {
				t.Errorf("err %v, published: %v", err, s.Published())
			}
		})
	}
}

// A server renews its certificate under the same authority while it can't publish.
func TestCertificateIsRenewedUnpublished(t *testing.T) {
	t.Parallel()
	c, clock := newCluster(t), testingclock.NewFakeClock(time.Now())
	s := startShared(t, c, clock)
	c.refuse("GET "+apiServicePath, forbidden)
	for range 4 {
		clock.Step(sharedCertificateLifetime/2 + time.Minute)
		if err := s.RunOnce(t.Context()); err == nil {
			t.Error("no error though the APIService can't be read")
		}
		checkVerified(t, c, clock, s)
	}
}

// Run notifies listeners of a new certificate.
func TestListenersAreTold(t *testing.T) {
	t.Parallel()
	c, clock := newCluster(t), testingclock.NewFakeClock(time.Now())
	s := startShared(t, c, clock)
	renewed := make(listener, 1)
	s.AddListener(renewed)
	stop := run(t, s)
	defer stop()
	for range 3 {
		eventually(t, "it waits for its next sync", clock.HasWaiters)
		was := shown(t, s)
		clock.Step(sharedCertificateLifetime/2 + time.Minute)
		<-renewed
		if shown(t, s).Equal(was) {
			t.Error("it's the same certificate")
		}
	}
}

// listener records notifications without blocking.
type listener chan struct{}

func (l listener) Enqueue() {
	select {
	case l <- struct{}{}:
	default:
	}
}

// run calls Run until the returned function is called.
func run(t *testing.T, s *Shared) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { s.Run(ctx, 1) })
	return func() {
		cancel()
		running.Wait()
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !is() {
		if time.Now().After(deadline) {
			t.Fatalf("it never came that %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}
