// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// SessionEnable enables resources of a Session that's being run. It's posted to
// the Session's enable subresource and isn't stored.
//
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +k8s:openapi-gen=true
type SessionEnable struct {
	metav1.TypeMeta `json:",inline"`

	// Standard object metadata. The name is that of the Session.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec says what is to be enabled.
	Spec SessionEnableSpec `json:"spec"`

	// status is what the server answers.
	// +optional
	Status SessionEnableStatus `json:"status,omitempty"`
}

// SessionEnableSpec selects the resources to be enabled: those that are named
// and those that have one of the labels, or all of them. Something must be
// selected.
type SessionEnableSpec struct {
	// resources are names of resources of the Tiltfile. When one doesn't exist
	// nothing changes. The Tiltfile itself can't be enabled or disabled.
	// +optional
	// +listType=atomic
	Resources []string `json:"resources,omitempty"`

	// labels select the resources that have at least one of them.
	// +optional
	// +listType=atomic
	Labels []string `json:"labels,omitempty"`

	// all selects every resource. It can't be combined with resources, labels
	// or only.
	// +optional
	All bool `json:"all,omitempty"`

	// only has every other resource disabled.
	// +optional
	Only bool `json:"only,omitempty"`
}

// SessionEnableStatus is what a SessionEnable has led to.
type SessionEnableStatus struct {
	// resources are those that were enabled or, because of only, disabled and
	// weren't so before.
	// +listType=atomic
	Resources []string `json:"resources"`
}

// SessionDisable disables resources of a Session that's being run: what runs of
// them is stopped. It's posted to the Session's disable subresource and isn't
// stored.
//
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +k8s:openapi-gen=true
type SessionDisable struct {
	metav1.TypeMeta `json:",inline"`

	// Standard object metadata. The name is that of the Session.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec says what is to be disabled.
	Spec SessionDisableSpec `json:"spec"`

	// status is what the server answers.
	// +optional
	Status SessionDisableStatus `json:"status,omitempty"`
}

// SessionDisableSpec selects the resources to be disabled: those that are named
// and those that have one of the labels, or all of them. Something must be
// selected.
type SessionDisableSpec struct {
	// resources are names of resources of the Tiltfile. When one doesn't exist
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

// SessionDisableStatus is what a SessionDisable has led to.
type SessionDisableStatus struct {
	// resources are those that were disabled and weren't so before.
	// +listType=atomic
	Resources []string `json:"resources"`
}
