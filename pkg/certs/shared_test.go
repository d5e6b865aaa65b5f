// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/cert"
	testingclock "k8s.io/utils/clock/testing"
)

var service = types.NamespacedName{Namespace: "prod", Name: "session"}

const host = "session.prod.svc"

// sharedOptions returns the options of a server.
func (c *cluster) sharedOptions(clock *testingclock.FakeClock) SharedOptions {
	core, untyped := c.clients()
	return SharedOptions{
		Secret:     types.NamespacedName{Namespace: "prod", Name: "serving"},
		Subject:    ServiceSubject(service),
		APIService: "v1alpha1.tilt.dev",
		Core:       core, Dynamic: untyped, Clock: clock,
	}
}

func startShared(t *testing.T, c *cluster, clock *testingclock.FakeClock) *Shared {
	t.Helper()
	s, err := NewShared(t.Context(), c.sharedOptions(clock))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// syncAll syncs servers once.
func syncAll(t *testing.T, servers ...*Shared) {
	t.Helper()
	for _, s := range servers {
		if err := s.RunOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// pass advances the clock and syncs servers every period.
func pass(t *testing.T, clock *testingclock.FakeClock, time time.Duration, servers ...*Shared) {
	t.Helper()
	for ; time > 0; time -= period {
		clock.Step(min(period, time))
		syncAll(t, servers...)
	}
}

// shown returns the certificate of a server.
func shown(t *testing.T, s *Shared) *x509.Certificate {
	t.Helper()
	certificate, key := s.CurrentCertKeyContent()
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf
}

// verify returns an error unless the published authorities verify a server.
func verify(t *testing.T, c *cluster, s *Shared, now time.Time) error {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(c.bundle())
	_, err := shown(t, s).Verify(x509.VerifyOptions{Roots: roots, DNSName: host, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	return err
}

func checkVerified(t *testing.T, c *cluster, clock *testingclock.FakeClock, servers ...*Shared) {
	t.Helper()
	for i, s := range servers {
		if err := verify(t, c, s, clock.Now()); err != nil {
			t.Errorf("server %d isn't trusted: %v", i, err)
		}
	}
}

// Servers that start at the same time share one certificate.
func TestServersStartAtOnce(t *testing.T) {
	t.Parallel()
	c, clock := newCluster(t), testingclock.NewFakeClock(time.Now())
	servers := make([]*Shared, 5)
	var starting sync.WaitGroup
	for i := range servers {
		options := c.sharedOptions(clock)
		starting.Go(func() {
			var err error
			if servers[i], err = NewShared(t.Context(), options); err != nil {
				t.Error(err)
			}
		})
	}
	starting.Wait()
	if t.Failed() {
		return
	}
	checkVerified(t, c, clock, servers...)
	for _, s := range servers[1:] {
		if !shown(t, s).Equal(shown(t, servers[0])) {
			t.Error("two servers have different certificates")
		}
		if err := s.Published(); err != nil {
			t.Error(err)
		}
	}
	if secret := c.secret(); secret.Type != corev1.SecretTypeTLS || secret.Labels["app.kubernetes.io/managed-by"] == "" {
		t.Errorf("the Secret is %s, with labels %v", secret.Type, secret.Labels)
	}
	before := c.writes()
	syncAll(t, servers...)
	if c.writes() != before {
		t.Error("something is written again without need")
	}
}

func TestCertificateIsRenewed(t *testing.T) {
	t.Parallel()
	c, clock := newCluster(t), testingclock.NewFakeClock(time.Now())
	a, b := startShared(t, c, clock), startShared(t, c, clock)
	first, trusted := shown(t, a), string(c.bundle())
	clock.Step(sharedCertificateLifetime/2 - time.Minute)
	syncAll(t, a, b)
	if !shown(t, a).Equal(first) {
		t.Error("it's renewed before it has got old")
	}
	clock.Step(2 * time.Minute)
	syncAll(t, a, b)
	if shown(t, a).Equal(first) || !shown(t, b).Equal(shown(t, a)) {
		t.Error("it isn't renewed, or not for both")
	}
	if string(c.bundle()) != trusted {
		t.Error("a renewal changes the trusted authorities")
	}
	checkVerified(t, c, clock, a, b)
}

// A new authority is published before its certificate is served, and the previous one is removed after the overlap.
func TestAuthorityIsRenewed(t *testing.T) {
	t.Parallel()
	c, clock := newCluster(t), testingclock.NewFakeClock(time.Now())
	a, b := startShared(t, c, clock), startShared(t, c, clock)
	for clock.Since(shown(t, a).NotBefore) < sharedAuthorityLifetime/2-24*time.Hour {
		clock.Step(30 * 24 * time.Hour)
		syncAll(t, a, b)
		checkVerified(t, c, clock, a, b)
		if authorities(t, c) > 1 {
			break
		}
	}
	if authorities(t, c) != 2 {
		t.Fatalf("%d authorities are trusted", authorities(t, c))
	}
	was := shown(t, a)
	startedLate := startShared(t, c, clock)
	checkVerified(t, c, clock, a, b, startedLate)
	pass(t, clock, propagation-time.Second, a, b)
	if !shown(t, a).Equal(was) || !shown(t, b).Equal(was) {
		t.Error("the new certificate is shown before others know of its authority")
	}
	pass(t, clock, time.Second, a, b)
	if shown(t, a).Equal(was) || !shown(t, b).Equal(shown(t, a)) {
		t.Error("the new certificate isn't shown")
	}
	checkVerified(t, c, clock, a, b, startedLate)
	pass(t, clock, overlap, a, b)
	if authorities(t, c) != 1 {
		t.Errorf("%d authorities are trusted at the end", authorities(t, c))
	}
	checkVerified(t, c, clock, a, b, startedLate)
}

// authorities returns the number of trusted authorities.
func authorities(t *testing.T, c *cluster) int {
	t.Helper()
	all, err := cert.ParseCertsPEM(c.bundle())
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// The published authorities verify each server that syncs, in any order of events.
func TestServersAreTrustedAllTheTime(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 0))
			c, clock := newCluster(t), testingclock.NewFakeClock(time.Now())
			servers := []*Shared{startShared(t, c, clock), startShared(t, c, clock), startShared(t, c, clock)}
			var story []string
			refused := false
			for range 80 {
				i := random.IntN(len(servers))
				event := random.IntN(20)
				switch event {
				case 0:
					c.remove(secretPath)
				case 1:
					servers[i] = startShared(t, c, clock)
				case 2:
					if !refused { // otherwise the only trusted certificate might expire
						clock.Step(40 * 24 * time.Hour)
					}
				case 3:
					refused = true
					c.refuse("PATCH "+apiServicePath, forbidden)
				case 4, 5:
					refused = false
					c.refuse("PATCH "+apiServicePath, nil)
				}
				story = append(story, fmt.Sprintf("%d of %d", event, i))
				for range 1 + random.IntN(3) {
					clock.Step(time.Duration(random.IntN(int(period))))
					for _, j := range random.Perm(len(servers)) {
						_ = servers[j].RunOnce(t.Context())
					}
				}
				for j, s := range servers {
					if s.Published() != nil {
						continue // the server has never been ready
					}
					if err := verify(t, c, s, clock.Now()); err != nil {
						t.Fatalf("server %d isn't trusted: %v, after %s", j, err, strings.Join(story, ", "))
					}
				}
			}
			c.refuse("PATCH "+apiServicePath, nil)
			pass(t, clock, overlap+10*period, servers...)
			checkVerified(t, c, clock, servers...)
			if authorities(t, c) != 1 {
				t.Errorf("%d authorities are trusted at the end", authorities(t, c))
			}
		})
	}
}

// An authority that another program has published stays trusted for the overlap.
func TestCertificateOfAnotherIsReplaced(t *testing.T) {
	t.Parallel()
	c, clock := newCluster(t), testingclock.NewFakeClock(time.Now())
	other, err := NewAuthority(clock.Now(), time.Hour*24)
	if err != nil {
		t.Fatal(err)
	}
	c.publish(other.Bundle())
	s := startShared(t, c, clock)
	checkVerified(t, c, clock, s)
	published, err := cert.ParseCertsPEM(c.bundle())
	if err != nil || !slices.ContainsFunc(published, other.certificate.Equal) {
		t.Errorf("the one before isn't trusted any more: %v", err)
	}
	pass(t, clock, overlap+period, s)
	if authorities(t, c) != 1 {
		t.Error("the one before is trusted for good")
	}
	c.publish([]byte("garbage"))
	syncAll(t, s)
	checkVerified(t, c, clock, s)
}

func TestServerIsMovedToAnotherService(t *testing.T) {
	t.Parallel()
	c, clock := newCluster(t), testingclock.NewFakeClock(time.Now())
	options := c.sharedOptions(clock)
	options.Subject = ServiceSubject(types.NamespacedName{Namespace: "prod", Name: "former"})
	if _, err := NewShared(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	checkVerified(t, c, clock, startShared(t, c, clock))
}
