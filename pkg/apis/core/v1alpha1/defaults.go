// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import "k8s.io/apimachinery/pkg/runtime"

// SetDefaults_SessionStatus makes an absent or null list of targets an empty
// one, so that it is never null in what a server stores and answers.
func SetDefaults_SessionStatus(status *SessionStatus) {
	if status.Targets == nil {
		status.Targets = []Target{}
	}
}

// SetDefaults_Target makes an absent or null list of resources an empty one.
func SetDefaults_Target(target *Target) {
	if target.Resources == nil {
		target.Resources = []string{}
	}
}

func addDefaultingFuncs(scheme *runtime.Scheme) error {
	return RegisterDefaults(scheme)
}
