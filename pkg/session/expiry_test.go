// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

func TestExpiry(t *testing.T) {
	done := func(ttl string) *v1alpha1.Session {
		s := annotated(v1alpha1.AnnotationTTLAfterFinished, ttl)
		s.Status = Interrupt(s, "it's over", at(0))
		return s
	}
	// Conditions are in whole seconds, so that it may have been done a second later.
	known := at(0).Truncate(time.Second).Add(time.Second)
	unknown := done("1h")
	unknown.Status.Conditions = nil
	stays := done("")
	stays.Annotations = nil
	for name, tc := range map[string]struct {
		session *v1alpha1.Session
		want    time.Time
	}{
		"an hour":                 {done("1h"), known.Add(time.Hour)},
		"at once":                 {done("0s"), known},
		"not asked for":           {stays, time.Time{}},
		"nobody knows since when": {unknown, time.Time{}},
	} {
		if got, err := Expiry(tc.session); err != nil || !got.Equal(tc.want) {
			t.Errorf("%s: %v (%v), want %v", name, got, err, tc.want)
		}
	}
	for _, value := range []string{"", "soon", "-1s", "60", strings.Repeat("x", 1<<20)} {
		if got, err := Expiry(done(value)); err == nil || !got.IsZero() || len(err.Error()) > 300 {
			t.Errorf("%.20q: %v (%v)", value, got, err)
		}
	}
}

func TestUnexpiring(t *testing.T) {
	s := begun(manual())
	before := *s.Status.DeepCopy()
	if diff := cmp.Diff(before, Unexpiring(s, nil, at(0))); diff != "" {
		t.Errorf("with nothing wrong: %s", diff)
	}
	s.Annotations = map[string]string{v1alpha1.AnnotationTTLAfterFinished: "soon"}
	_, err := Expiry(s)
	s.Status = Unexpiring(s, err, at(0))
	if got := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.SessionConditionExpiring); got == nil || got.Reason != "InvalidTTL" {
		t.Errorf("the condition is %+v", got)
	}
	if diff := cmp.Diff(before, Unexpiring(s, nil, at(0))); diff != "" {
		t.Errorf("with nothing wrong any more: %s", diff)
	}
}
