// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package interop_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	tilt "github.com/tilt-dev/tilt/pkg/apis/core/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const writes = 300

// testCache has a controller-runtime cache follow random writes, and compares
// it with what the server lists.
func testCache(t *testing.T, s *server) {
	c := s.tiltClient(t)
	awaitSettled(t, c)
	cached := runCache(t, s)
	random := rand.New(rand.NewPCG(1, 2))
	for range writes {
		if err := write(t.Context(), c, complete(t, fmt.Sprintf("cache-%d", random.IntN(10))), random.IntN(4)); err != nil {
			t.Fatal(err)
		}
	}
	var want, got tilt.SessionList
	err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, deadline, true, func(ctx context.Context) (bool, error) {
		if err := errors.Join(c.List(ctx, &want), cached.List(ctx, &got)); err != nil {
			return false, err
		}
		normalize(got.Items)
		return cmp.Equal(want.Items, got.Items), nil
	})
	if err != nil {
		t.Errorf("%v; listed (-), cached (+):\n%s", err, cmp.Diff(want.Items, got.Items))
	}
	if len(want.Items) < 2 {
		t.Errorf("only %d Sessions are left to compare", len(want.Items))
	}
	for i := range want.Items {
		if strings.HasPrefix(want.Items[i].Name, "cache-") {
			if err := c.Delete(t.Context(), &want.Items[i]); err != nil {
				t.Error(err)
			}
		}
	}
}

// runCache returns a cache that is filled, and runs until the test ends.
func runCache(t *testing.T, s *server) cache.Cache {
	t.Helper()
	cached, err := cache.New(s.config, cache.Options{Scheme: tilt.NewScheme(), HTTPClient: s.http})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- cached.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-stopped; err != nil {
			t.Errorf("running the cache: %v", err)
		}
	})
	if _, err := cached.GetInformer(t.Context(), &tilt.Session{}); err != nil {
		t.Fatal(err)
	}
	return cached
}

// write creates the Session, or does one of three things to it where it exists.
func write(ctx context.Context, c client.Client, wanted *tilt.Session, action int) error {
	status := wanted.Status
	err := c.Create(ctx, wanted)
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	if err := c.Get(ctx, client.ObjectKeyFromObject(wanted), wanted); err != nil {
		return err
	}
	switch action {
	case 0:
		return c.Delete(ctx, wanted)
	case 1:
		wanted.Labels["generation"] = wanted.ResourceVersion
		return c.Update(ctx, wanted)
	default:
		pid := wanted.Status.PID + 1
		wanted.Status = status
		wanted.Status.PID = pid
		return c.Status().Update(ctx, wanted)
	}
}

// normalize makes of what a cache lists what a client does: sorted, and
// without the kind of each item.
func normalize(sessions []tilt.Session) {
	for i := range sessions {
		sessions[i].TypeMeta = metav1.TypeMeta{}
	}
	slices.SortFunc(sessions, func(a, b tilt.Session) int { return strings.Compare(a.Name, b.Name) })
}
