// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/model"
)

func TestCISpec(t *testing.T) {
	duration := func(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }
	flag := &v1alpha1.SessionCISpec{Timeout: duration(time.Minute), ReadinessTimeout: duration(2 * time.Minute)}
	for name, tc := range map[string]struct {
		created  *v1alpha1.SessionCISpec
		settings *model.CISettings
		want     *v1alpha1.SessionCISpec
	}{
		"the Tiltfile couldn't be read": {flag, nil, nil},
		"defaults": {nil, &model.CISettings{}, &v1alpha1.SessionCISpec{
			Timeout: duration(30 * time.Minute), ReadinessTimeout: duration(5 * time.Minute),
		}},
		"the Session's own": {flag, &model.CISettings{}, flag},
		"the Tiltfile beats the Session": {flag,
			&model.CISettings{Timeout: ptr(time.Hour), ReadinessTimeout: ptr(time.Second), K8sGracePeriod: ptr(3 * time.Second)},
			&v1alpha1.SessionCISpec{Timeout: duration(time.Hour), ReadinessTimeout: duration(time.Second), K8sGracePeriod: duration(3 * time.Second)},
		},
		"zero is a value": {flag, &model.CISettings{Timeout: ptr(time.Duration(0))},
			&v1alpha1.SessionCISpec{Timeout: duration(0), ReadinessTimeout: duration(2 * time.Minute)},
		},
		"zero of the flag is a value": {&v1alpha1.SessionCISpec{Timeout: duration(0)}, &model.CISettings{},
			&v1alpha1.SessionCISpec{Timeout: duration(0), ReadinessTimeout: duration(5 * time.Minute)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, CISpec(tc.created, tc.settings)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
