// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// SessionArgs are the arguments of the Tiltfile of a Session that's being run.
// They are read from the Session's args subresource, and replaced by what is
// posted there.
//
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +k8s:openapi-gen=true
type SessionArgs struct {
	metav1.TypeMeta `json:",inline"`

	// Standard object metadata. The name is that of the Session.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec has the arguments.
	Spec SessionArgsSpec `json:"spec"`

	// status is what the server answers.
	// +optional
	Status SessionArgsStatus `json:"status,omitempty"`
}

// SessionArgsSpec has the arguments of a Tiltfile.
type SessionArgsSpec struct {
	// args are the arguments as they would follow "tilt up". Without
	// arguments the list is empty; it can't be left out.
	// +listType=atomic
	Args []string `json:"args"`
}

// SessionArgsStatus is what posting SessionArgs has led to.
type SessionArgsStatus struct {
	// changed tells whether the arguments were others before, so that the
	// Tiltfile is evaluated again. It's false in what is read.
	Changed bool `json:"changed"`
}
