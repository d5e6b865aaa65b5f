// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CauseTypeResourceDisabled is the cause for a disabled resource, in the details of an error with reason Conflict. A
// resource that doesn't exist has the cause FieldValueNotFound, in an error with reason NotFound.
const CauseTypeResourceDisabled metav1.CauseType = "ResourceDisabled"

// SessionTrigger requests one more execution of resources of a running Session. It is
// posted to the Session's trigger subresource and isn't stored.
//
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +k8s:openapi-gen=true
type SessionTrigger struct {
	metav1.TypeMeta `json:",inline"`

	// Standard object metadata. The name is that of the Session.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec selects what to execute.
	Spec SessionTriggerSpec `json:"spec"`

	// status is the result, which the server sets.
	// +optional
	Status SessionTriggerStatus `json:"status,omitempty"`
}

// SessionTriggerSpec selects what to execute once more.
type SessionTriggerSpec struct {
	// resources are names of resources of the Tiltfile, at least one. "(Tiltfile)" stands for another evaluation of the
	// Tiltfile. If one of them doesn't exist or is disabled, none is triggered. A resource that is executing is
	// executed again afterwards.
	// +listType=atomic
	Resources []string `json:"resources"`
}

// SessionTriggerStatus is the result of a SessionTrigger.
type SessionTriggerStatus struct {
	// resources are the triggered resources, each once.
	// +listType=atomic
	Resources []string `json:"resources"`
}

// SessionEnable enables resources of a running Session. It is posted to the Session's
// enable subresource and isn't stored.
//
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +k8s:openapi-gen=true
type SessionEnable struct {
	metav1.TypeMeta `json:",inline"`

	// Standard object metadata. The name is that of the Session.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec selects what to enable.
	Spec SessionEnableSpec `json:"spec"`

	// status is the result, which the server sets.
	// +optional
	Status SessionEnableStatus `json:"status,omitempty"`
}

// SessionEnableSpec selects the resources to enable: those in resources and those with
// one of the labels, or all of them. At least one of the three must be set.
type SessionEnableSpec struct {
	// resources are names of resources of the Tiltfile. If one of them doesn't exist,
	// nothing changes. The Tiltfile itself can't be enabled or disabled.
	// +optional
	// +listType=atomic
	Resources []string `json:"resources,omitempty"`

	// labels select the resources that have at least one of them.
	// +optional
	// +listType=atomic
	Labels []string `json:"labels,omitempty"`

	// all selects every resource. It can't be combined with resources, labels or only.
	// +optional
	All bool `json:"all,omitempty"`

	// only disables every other resource.
	// +optional
	Only bool `json:"only,omitempty"`
}

// SessionEnableStatus is the result of a SessionEnable.
type SessionEnableStatus struct {
	// resources are the resources that have changed: those that are enabled now and,
	// because of only, those that are disabled now.
	// +listType=atomic
	Resources []string `json:"resources"`
}

// SessionDisable disables resources of a running Session and stops their processes. It
// is posted to the Session's disable subresource and isn't stored.
//
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +k8s:openapi-gen=true
type SessionDisable struct {
	metav1.TypeMeta `json:",inline"`

	// Standard object metadata. The name is that of the Session.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec selects what to disable.
	Spec SessionDisableSpec `json:"spec"`

	// status is the result, which the server sets.
	// +optional
	Status SessionDisableStatus `json:"status,omitempty"`
}

// SessionDisableSpec selects the resources to disable: those in resources and those
// with one of the labels, or all of them. At least one of the three must be set.
type SessionDisableSpec struct {
	// resources are names of resources of the Tiltfile. If one of them doesn't exist,
	// nothing changes. The Tiltfile itself can't be enabled or disabled.
	// +optional
	// +listType=atomic
	Resources []string `json:"resources,omitempty"`

	// labels select the resources that have at least one of them.
	// +optional
	// +listType=atomic
	Labels []string `json:"labels,omitempty"`

	// all selects every resource. It can't be combined with resources or labels.
	// +optional
	All bool `json:"all,omitempty"`
}

// SessionDisableStatus is the result of a SessionDisable.
type SessionDisableStatus struct {
	// resources are the resources that have changed: those that are disabled now.
	// +listType=atomic
	Resources []string `json:"resources"`
}

// SessionArgs are the arguments of a Session's Tiltfile: spec.args of the Session, read
// from its args subresource and replaced by a post to it.
//
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +k8s:openapi-gen=true
type SessionArgs struct {
	metav1.TypeMeta `json:",inline"`

	// Standard object metadata. The name is that of the Session. If resourceVersion is
	// set and the Session has another one, the arguments aren't replaced.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec has the arguments.
	Spec SessionArgsSpec `json:"spec"`

	// status is the result, which the server sets.
	// +optional
	Status SessionArgsStatus `json:"status,omitempty"`
}

// SessionArgsSpec has the arguments of a Tiltfile.
type SessionArgsSpec struct {
	// args are the arguments, as they follow "tilt up" on a command line. The list is required; it may be empty.
	// +listType=atomic
	Args []string `json:"args"`
}

// SessionArgsStatus is the result of a post of SessionArgs.
type SessionArgsStatus struct {
	// changed is true if the arguments differ from those before, so that the Tiltfile
	// is evaluated again. It is false in the answer to a read.
	Changed bool `json:"changed"`
}
