// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// checkConcurrency: concurrent writers lose no write.
func checkConcurrency(t *testing.T, s *server) {
	t.Run("StaleVersion", func(t *testing.T) {
		t.Parallel()
		stale := s.create(t)
		current := s.setStatus(t, stale.Name, fullStatus())
		if current.ResourceVersion == stale.ResourceVersion {
			t.Fatal("a write has kept the resourceVersion")
		}
		for _, at := range []string{path(stale.Name), statusPath(stale.Name)} {
			status := s.do(t, http.MethodPut, at, stale).failure(http.StatusConflict, metav1.StatusReasonConflict)
			if details := status.Details; details == nil || details.Name != stale.Name || details.Group != "tilt.dev" || details.Kind != "sessions" {
				t.Errorf("details = %+v", details)
			}
			version := `{"metadata":{"resourceVersion":"` + stale.ResourceVersion + `"},"spec":{"tiltfilePath":"/b"},"status":{"pid":5}}`
			s.do(t, http.MethodPatch, at, version, contentMerge).failure(http.StatusConflict, metav1.StatusReasonConflict)
		}
		s.do(t, http.MethodPatch, path(stale.Name)+"?fieldManager=me&force=true",
			`{"apiVersion":"tilt.dev/v1alpha1","kind":"Session","metadata":{"name":"`+stale.Name+`","resourceVersion":"`+stale.ResourceVersion+`"},"spec":{"tiltfilePath":"/b"}}`,
			contentApply).failure(http.StatusConflict, metav1.StatusReasonConflict)
		s.quiet(t, current)

		malformed := stale.DeepCopy()
		malformed.ResourceVersion = "latest"
		for _, at := range []string{path(stale.Name), statusPath(stale.Name)} {
			s.do(t, http.MethodPut, at, malformed).failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
			s.do(t, http.MethodPatch, at, `{"metadata":{"resourceVersion":"latest"}}`, contentMerge).failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
		}
	})

	t.Run("Unconditional", func(t *testing.T) {
		t.Parallel()
		session := newSession(s.create(t).Name)
		session.Spec.TiltfilePath = "/b"
		if got := s.do(t, http.MethodPut, path(session.Name), session).want(http.StatusOK).session(); got.Spec.TiltfilePath != "/b" || got.UID == "" {
			t.Errorf("got %+v", got)
		}
		session.Status.PID = 7
		if got := s.do(t, http.MethodPut, statusPath(session.Name), session).want(http.StatusOK).session(); got.Status.PID != 7 {
			t.Errorf("got %+v", got)
		}
	})

	t.Run("OtherUID", func(t *testing.T) {
		t.Parallel()
		session := s.create(t)
		other := newSession(session.Name)
		other.UID = "other"
		s.do(t, http.MethodPut, path(session.Name), other).failure(http.StatusConflict, metav1.StatusReasonConflict)
		s.quiet(t, session)
	})

	t.Run("Increments", func(t *testing.T) { t.Parallel(); incrementsAreKept(t, s) })
	t.Run("Patches", func(t *testing.T) { t.Parallel(); patchesAreKept(t, s) })
	t.Run("RacingCreates", func(t *testing.T) { t.Parallel(); oneCreateWins(t, s) })
}

// incrementsAreKept starts 16 writers that count, half of them in the spec and half in
// the status of one Session, each from what it has read.
func incrementsAreKept(t *testing.T, s *server) {
	const writers, increments = 16, 50
	name := s.create(t, func(session *v1alpha1.Session) { session.Spec.TiltfilePath = "/0" }).Name
	increment := func(writer int) error {
		session, err := s.sessions.Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if writer%2 == 0 {
			session.Status.PID++
			_, err = s.sessions.UpdateStatus(t.Context(), session, metav1.UpdateOptions{})
			return err
		}
		count, err := strconv.Atoi(session.Spec.TiltfilePath[1:])
		if err != nil {
			return err
		}
		session.Spec.TiltfilePath = "/" + strconv.Itoa(count+1)
		_, err = s.sessions.Update(t.Context(), session, metav1.UpdateOptions{})
		return err
	}
	// Without a pause nearly every attempt would conflict.
	backoff := wait.Backoff{Duration: 10 * time.Millisecond, Jitter: 1, Factor: 1.5, Steps: math.MaxInt}
	inParallel(t, writers, func(writer int) error {
		for range increments {
			if err := retry.RetryOnConflict(backoff, func() error { return increment(writer) }); err != nil {
				return err
			}
		}
		return nil
	})
	session := s.read(t, name)
	const each = writers / 2 * increments
	if session.Status.PID != each || session.Spec.TiltfilePath != "/"+strconv.Itoa(each) || session.Generation != each+1 {
		t.Errorf("pid %d, path %s, generation %d after %d increments of each", session.Status.PID, session.Spec.TiltfilePath, session.Generation, each)
	}
}

// patchesAreKept starts 16 writers that patch without reading: the server repeats conflicting patches.
func patchesAreKept(t *testing.T, s *server) {
	const writers, patches = 16, 5
	name := s.create(t).Name
	inParallel(t, writers, func(writer int) error {
		for i := range patches {
			patch := fmt.Appendf(nil, `{"metadata":{"labels":{"w%d-%d":"x"}}}`, writer, i)
			if _, err := s.sessions.Patch(t.Context(), name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
				return err
			}
		}
		return nil
	})
	if got := len(s.read(t, name).Labels); got != writers*patches {
		t.Errorf("%d labels of %d", got, writers*patches)
	}
}

func oneCreateWins(t *testing.T, s *server) {
	const writers, rounds = 8, 10
	for range rounds {
		name := unique(t)
		s.remove(t, name)
		var won atomic.Int32
		inParallel(t, writers, func(int) error {
			_, err := s.sessions.Create(t.Context(), newSession(name), metav1.CreateOptions{})
			if err == nil {
				won.Add(1)
			} else if apierrors.IsAlreadyExists(err) {
				err = nil
			}
			return err
		})
		if got := won.Load(); got != 1 {
			t.Errorf("%d creates of one name have won", got)
		}
	}
}

// inParallel runs n calls at once and waits for them.
func inParallel(t *testing.T, n int, run func(i int) error) {
	t.Helper()
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() {
			if err := run(i); err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
}
