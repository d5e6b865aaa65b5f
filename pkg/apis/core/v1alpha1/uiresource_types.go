// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The labels and annotations of a UIResource and of a UIButton. An annotation is always there; a label is left out if
// its value isn't valid for one. The other labels of a UIResource are those of the resource in the Tiltfile.
const (
	// UISession is the name of the Session.
	UISession = "session.tilt.dev/session"
	// UIName is the name of the resource or of the button in the Tiltfile.
	UIName = "session.tilt.dev/resource"
)

// UIResource is a resource of a running Tiltfile as people look at it: what it does, why, and since when. It can only
// be read. It is kept in memory, by the process that runs the Session.
//
// A server of one Session names it as the Tiltfile does, and the Tiltfile itself "(Tiltfile)". A server of many
// Sessions puts the name of the Session and a dot in front.
//
// +genclient
// +genclient:nonNamespaced
// +genclient:onlyVerbs=get,list,watch
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +k8s:openapi-gen=true
type UIResource struct {
	metav1.TypeMeta `json:",inline"`

	// Standard object metadata. UIResources are cluster-scoped: they have no namespace. The labels are those of the
	// resource in the Tiltfile, and session.tilt.dev/session and session.tilt.dev/resource.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is empty.
	// +optional
	Spec UIResourceSpec `json:"spec,omitempty"`

	// status is how the resource is.
	// +optional
	Status UIResourceStatus `json:"status,omitempty"`
}

// UIResourceList is a list of UIResources, sorted by name.
//
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +k8s:openapi-gen=true
type UIResourceList struct {
	metav1.TypeMeta `json:",inline"`

	// Standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the UIResources.
	Items []UIResource `json:"items"`
}

// UIResourceSpec is empty.
type UIResourceSpec struct{}

// UpdateStatus is how what runs to an end is.
//
// +enum
type UpdateStatus string

// Values of UpdateStatus.
const (
	UpdateStatusNone          UpdateStatus = "none"
	UpdateStatusInProgress    UpdateStatus = "in_progress"
	UpdateStatusOK            UpdateStatus = "ok"
	UpdateStatusPending       UpdateStatus = "pending"
	UpdateStatusError         UpdateStatus = "error"
	UpdateStatusNotApplicable UpdateStatus = "not_applicable"
)

// RuntimeStatus is how what keeps running is.
//
// +enum
type RuntimeStatus string

// Values of RuntimeStatus.
const (
	RuntimeStatusUnknown       RuntimeStatus = "unknown"
	RuntimeStatusOK            RuntimeStatus = "ok"
	RuntimeStatusPending       RuntimeStatus = "pending"
	RuntimeStatusError         RuntimeStatus = "error"
	RuntimeStatusNotApplicable RuntimeStatus = "not_applicable"
	RuntimeStatusNone          RuntimeStatus = "none"
)

// The trigger modes of a resource.
const (
	// TriggerModeAuto runs at the start and when files change.
	TriggerModeAuto int32 = 0
	// TriggerModeManualWithAutoInit runs at the start, then on request.
	TriggerModeManualWithAutoInit int32 = 1
	// TriggerModeManual runs on request.
	TriggerModeManual int32 = 2
	// TriggerModeAutoWithManualInit runs when files change.
	TriggerModeAutoWithManualInit int32 = 3
)

// UIResourceStatus is how a resource is.
type UIResourceStatus struct {
	// lastDeployTime is when the last update that succeeded has ended.
	// +optional
	LastDeployTime metav1.MicroTime `json:"lastDeployTime,omitempty"`

	// triggerMode is 0 if the resource runs at the start and when files change, 1 if it runs at the start and then on
	// request, 2 if it runs on request, 3 if it runs when files change.
	// +optional
	TriggerMode int32 `json:"triggerMode,omitempty"`

	// buildHistory are the last updates that have ended, newest first, at most 20.
	// +optional
	// +listType=atomic
	BuildHistory []UIBuildTerminated `json:"buildHistory,omitempty"`

	// currentBuild is the update that goes on.
	// +optional
	CurrentBuild *UIBuildRunning `json:"currentBuild,omitempty"`

	// pendingBuildSince is since when an update is due.
	// +optional
	PendingBuildSince metav1.MicroTime `json:"pendingBuildSince,omitempty"`

	// hasPendingChanges is true while an update is due, or would be if it weren't for the trigger mode.
	// +optional
	HasPendingChanges bool `json:"hasPendingChanges,omitempty"`

	// endpointLinks are the addresses of the resource: its links and its port forwards.
	// +optional
	// +listType=atomic
	EndpointLinks []UIResourceLink `json:"endpointLinks,omitempty"`

	// k8sResourceInfo is set for a Kubernetes resource.
	// +optional
	K8sResourceInfo *UIResourceKubernetes `json:"k8sResourceInfo,omitempty"`

	// composeResourceInfo is set for a service of Docker Compose.
	// +optional
	ComposeResourceInfo *UIResourceCompose `json:"composeResourceInfo,omitempty"`

	// localResourceInfo is set for a local resource.
	// +optional
	LocalResourceInfo *UIResourceLocal `json:"localResourceInfo,omitempty"`

	// runtimeStatus is how what keeps running is, such as a server.
	// +optional
	RuntimeStatus RuntimeStatus `json:"runtimeStatus,omitempty"`

	// updateStatus is how what runs to an end is, such as a command or a deploy.
	// +optional
	UpdateStatus UpdateStatus `json:"updateStatus,omitempty"`

	// specs are the parts of the resource.
	// +optional
	// +listType=atomic
	Specs []UIResourceTargetSpec `json:"specs,omitempty"`

	// queued is true while an update was requested by a person and hasn't begun.
	// +optional
	Queued bool `json:"queued,omitempty"`

	// order is the position of the resource among those of its Tiltfile, from 1. The Tiltfile has 0.
	// +optional
	Order int32 `json:"order,omitempty"`

	// disableStatus says whether the resource is enabled.
	DisableStatus DisableResourceStatus `json:"disableStatus"`

	// waiting is why the next update hasn't begun, or why what runs isn't there yet.
	// +optional
	Waiting *UIResourceStateWaiting `json:"waiting,omitempty"`

	// conditions are UpToDate and Ready.
	// +optional
	// +patchMergeKey=type
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=type
	Conditions []UIResourceCondition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type"`

	// dependencies are the names of the resources and images of this Session that the resource depends on, as they are
	// in the Tiltfile, sorted. The name of an image begins with "image:".
	// +optional
	// +listType=atomic
	Dependencies []string `json:"dependencies,omitempty"`

	// updateCommand is the command of the update, or what is updated, for people.
	// +optional
	UpdateCommand string `json:"updateCommand,omitempty"`

	// serveCommand is the command of the server, or what runs, for people.
	// +optional
	ServeCommand string `json:"serveCommand,omitempty"`

	// position is where the resource is defined: the path of the file and its line, such as "/src/Tiltfile:12".
	// +optional
	Position string `json:"position,omitempty"`
}

// UIResourceLink is an address of a resource.
type UIResourceLink struct {
	// url is the address.
	// +optional
	URL string `json:"url,omitempty"`

	// name is what the address is called.
	// +optional
	Name string `json:"name,omitempty"`
}

// UIResourceStateWaiting is why a resource waits.
type UIResourceStateWaiting struct {
	// reason is what it waits for, in one word: the waitReason of the target.
	Reason string `json:"reason"`

	// on are the objects that it waits for. It is empty if it waits for something else, such as its turn.
	// +optional
	// +listType=atomic
	On []UIResourceStateWaitingOnRef `json:"on,omitempty"`

	// since is since when it waits, for whatever reasons since then.
	// +optional
	Since *metav1.MicroTime `json:"since,omitempty"`
}

// UIResourceStateWaitingOnRef names an object that a resource waits for. An image has the kind Image and isn't served.
type UIResourceStateWaitingOnRef struct {
	// group is the API group of the object.
	// +optional
	Group string `json:"group,omitempty"`

	// apiVersion is the version of the API group.
	// +optional
	APIVersion string `json:"apiVersion,omitempty"`

	// kind is the kind of the object.
	// +optional
	Kind string `json:"kind,omitempty"`

	// name is the name of the object.
	Name string `json:"name"`
}

// UIResourceConditionType is a type of condition.
type UIResourceConditionType string

// The conditions of a UIResource.
const (
	// UIResourceUpToDate is true if the update has succeeded, or if there is none.
	UIResourceUpToDate UIResourceConditionType = "UpToDate"
	// UIResourceReady is true if what keeps running is ready and, where nothing does, if the update has succeeded.
	UIResourceReady UIResourceConditionType = "Ready"
)

// UIResourceCondition is one statement about a resource.
type UIResourceCondition struct {
	// type is UpToDate or Ready.
	Type UIResourceConditionType `json:"type"`

	// status is True or False.
	Status metav1.ConditionStatus `json:"status"`

	// lastTransitionTime is when the status last changed.
	// +optional
	LastTransitionTime metav1.MicroTime `json:"lastTransitionTime,omitempty"`

	// reason is why the status is False: Disabled, RuntimeError, UpdateError, RuntimePending, UpdatePending or Unknown.
	// +optional
	Reason string `json:"reason,omitempty"`

	// message is for people.
	// +optional
	Message string `json:"message,omitempty"`
}
