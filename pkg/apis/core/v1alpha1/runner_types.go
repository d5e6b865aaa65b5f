// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Runner is a process that runs Sessions of this API. It claims Sessions that no other Runner has claimed, and renews
// its own record to show that its claims are good. Its labels are what spec.runnerSelector of a Session selects by.
//
// A Runner belongs to the user that created it: no other user may change it.
//
// +genclient
// +genclient:nonNamespaced
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +k8s:openapi-gen=true
type Runner struct {
	metav1.TypeMeta `json:",inline"`

	// Standard object metadata. Runners are cluster-scoped: they have no namespace.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec describes the Runner, as it registered itself.
	Spec RunnerSpec `json:"spec"`

	// status is what the Runner writes each time that it renews its record.
	// +optional
	Status RunnerStatus `json:"status,omitempty"`
}

// RunnerList is a list of Runners, sorted by name.
//
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +k8s:openapi-gen=true
type RunnerList struct {
	metav1.TypeMeta `json:",inline"`

	// Standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the Runners.
	Items []Runner `json:"items"`
}

// RunnerSpec describes a Runner.
type RunnerSpec struct {
	// user is the name of the user that created the Runner and alone may change it. The server sets it.
	// +optional
	User string `json:"user,omitempty"`

	// capacity is how many Sessions the Runner runs at a time, at least 1.
	Capacity int32 `json:"capacity"`

	// leaseDurationSeconds is how long the claims of the Runner are good after each renewal, from 3 to 300. It can't be
	// changed.
	LeaseDurationSeconds int32 `json:"leaseDurationSeconds"`

	// endpoint is the address, such as "https://10.0.0.7:10360", at which the API server reaches the runs of the Runner.
	// Without it their logs can't be read and no requests reach them.
	// +optional
	Endpoint string `json:"endpoint,omitempty"`

	// caBundle has the certificate authorities, in PEM, that verify the certificate of the endpoint. It is required with
	// an endpoint.
	// +optional
	CABundle []byte `json:"caBundle,omitempty"`

	// clientCABundle has the certificate authorities, in PEM, of the client certificate with which the API server
	// authenticates to the endpoint. The server sets it.
	// +optional
	ClientCABundle []byte `json:"clientCABundle,omitempty"`
}

// RunnerStatus is what a Runner says of itself.
type RunnerStatus struct {
	// renewTime is when the Runner last renewed its record, by its own clock. Its claims are good
	// until others have seen the same value for longer than the lease.
	// +optional
	RenewTime *metav1.MicroTime `json:"renewTime,omitempty"`

	// running is how many Sessions the Runner runs.
	// +optional
	Running int32 `json:"running,omitempty"`

	// draining is true for a Runner that claims no further Sessions, because it is about to end.
	// +optional
	Draining bool `json:"draining,omitempty"`
}

// SessionRunner is the claim of a Runner to run a Session. A claim is made by writing it where there is none, and is
// never replaced: it is removed before another one is made.
type SessionRunner struct {
	// name is that of the Runner.
	Name string `json:"name"`

	// uid is that of the Runner. A Runner that starts again is another one.
	UID types.UID `json:"uid"`

	// claimTime is when the Runner claimed the Session, by its own clock.
	ClaimTime metav1.MicroTime `json:"claimTime"`

	// leaseDurationSeconds is how long the claim is good after each renewal of the Runner's record.
	LeaseDurationSeconds int32 `json:"leaseDurationSeconds"`
}
