// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CauseTypeResourceDisabled is the cause, among the details of an error with
// reason Conflict, that tells of a resource that's disabled. A resource that
// doesn't exist has the cause FieldValueNotFound, beside reason NotFound.
const CauseTypeResourceDisabled metav1.CauseType = "ResourceDisabled"

// SessionTrigger asks for one more execution of resources of a Session that's
// being run. It's posted to the Session's trigger subresource and isn't stored.
//
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +k8s:openapi-gen=true
type SessionTrigger struct {
	metav1.TypeMeta `json:",inline"`

	// Standard object metadata. The name is that of the Session.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec says what is to be executed.
	Spec SessionTriggerSpec `json:"spec"`

	// status is what the server answers.
	// +optional
	Status SessionTriggerStatus `json:"status,omitempty"`
}

// SessionTriggerSpec says what is to be executed once more.
type SessionTriggerSpec struct {
	// resources are names of resources of the Tiltfile, at least one;
	// "(Tiltfile)" has the Tiltfile evaluated again. Either all of them are
	// triggered or, when one doesn't exist or is disabled, none. One that
	// executes at the moment is executed again afterwards.
	// +listType=atomic
	Resources []string `json:"resources"`
}

// SessionTriggerStatus is what a SessionTrigger has led to.
type SessionTriggerStatus struct {
	// resources are those that were triggered, each once.
	// +listType=atomic
	Resources []string `json:"resources"`
}
