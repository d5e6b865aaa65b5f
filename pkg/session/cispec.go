// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/model"
)

// CISpec is the spec.ci of a Session after an evaluation of its Tiltfile: what
// ci_settings left, over what the Session was created with, over the defaults.
// It's nil when the Tiltfile couldn't be read, which is when settings is nil.
func CISpec(created *v1alpha1.SessionCISpec, settings *model.CISettings) *v1alpha1.SessionCISpec {
	if settings == nil {
		return nil
	}
	if created == nil {
		created = &v1alpha1.SessionCISpec{}
	}
	return &v1alpha1.SessionCISpec{
		Timeout:          first(settings.Timeout, created.Timeout, model.DefaultTimeout),
		ReadinessTimeout: first(settings.ReadinessTimeout, created.ReadinessTimeout, model.DefaultReadinessTimeout),
		K8sGracePeriod:   first(settings.K8sGracePeriod, created.K8sGracePeriod, 0),
	}
}

// first is the first duration that's set. A fallback of 0 leaves it unset.
func first(setting *time.Duration, created *metav1.Duration, fallback time.Duration) *metav1.Duration {
	switch {
	case setting != nil:
		return &metav1.Duration{Duration: *setting}
	case created != nil:
		return &metav1.Duration{Duration: created.Duration}
	case fallback != 0:
		return &metav1.Duration{Duration: fallback}
	default:
		return nil
	}
}
