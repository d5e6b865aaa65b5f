// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// UIResourceKubernetes is how a Kubernetes resource is. What a run doesn't know of its pods is left out.
type UIResourceKubernetes struct {
	// podName is the name of the newest pod.
	// +optional
	PodName string `json:"podName,omitempty"`

	// podCreationTime is when that pod was created.
	// +optional
	PodCreationTime metav1.Time `json:"podCreationTime,omitempty"`

	// podUpdateStartTime is when the update that made the pod began.
	// +optional
	PodUpdateStartTime metav1.Time `json:"podUpdateStartTime,omitempty"`

	// podStatus is how the pods are, in one word.
	// +optional
	PodStatus string `json:"podStatus,omitempty"`

	// podStatusMessage is why they are so.
	// +optional
	PodStatusMessage string `json:"podStatusMessage,omitempty"`

	// allContainersReady is true if all that was deployed is ready.
	// +optional
	AllContainersReady bool `json:"allContainersReady,omitempty"`

	// podRestarts is how often containers were restarted.
	// +optional
	PodRestarts int32 `json:"podRestarts,omitempty"`

	// spanID identifies the log of the pods.
	// +optional
	SpanID string `json:"spanID,omitempty"`

	// displayNames are the objects of the resource, such as "web:deployment".
	// +optional
	// +listType=atomic
	DisplayNames []string `json:"displayNames,omitempty"`
}

// UIResourceCompose is how a service of Docker Compose is.
type UIResourceCompose struct {
	// healthStatus is the result of the health check: starting, healthy or unhealthy.
	// +optional
	HealthStatus string `json:"healthStatus,omitempty"`
}

// UIResourceLocal is how a local resource is.
type UIResourceLocal struct {
	// pid is the process of the server.
	// +optional
	PID int64 `json:"pid,omitempty"`

	// isTest is always false: a test is a resource like others.
	// +optional
	IsTest bool `json:"isTest,omitempty"`
}

// UIResourceTargetType is the kind of a part of a resource.
//
// +enum
type UIResourceTargetType string

// Values of UIResourceTargetType.
const (
	UIResourceTargetTypeUnspecified   UIResourceTargetType = "unspecified"
	UIResourceTargetTypeImage         UIResourceTargetType = "image"
	UIResourceTargetTypeKubernetes    UIResourceTargetType = "k8s"
	UIResourceTargetTypeDockerCompose UIResourceTargetType = "docker-compose"
	UIResourceTargetTypeLocal         UIResourceTargetType = "local"
)

// UIResourceTargetSpec is a part of a resource.
type UIResourceTargetSpec struct {
	// id identifies the part.
	// +optional
	ID string `json:"id,omitempty"`

	// type is the kind of the part.
	// +optional
	Type UIResourceTargetType `json:"type,omitempty"`

	// hasLiveUpdate is true for an image whose changed files get into what runs.
	// +optional
	HasLiveUpdate bool `json:"hasLiveUpdate,omitempty"`
}

// DisableState says whether something is enabled.
//
// +enum
type DisableState string

// Values of DisableState.
const (
	DisableStatePending  DisableState = "Pending"
	DisableStateEnabled  DisableState = "Enabled"
	DisableStateDisabled DisableState = "Disabled"
)

// DisableResourceStatus says whether a resource is enabled.
type DisableResourceStatus struct {
	// enabledCount is 1 if the resource is enabled.
	EnabledCount int32 `json:"enabledCount"`

	// disabledCount is 1 if the resource is disabled.
	DisabledCount int32 `json:"disabledCount"`

	// state is Enabled or Disabled.
	State DisableState `json:"state"`

	// sources are always empty: the Session's subresources enable and disable resources.
	// +optional
	// +listType=atomic
	Sources []DisableSource `json:"sources,omitempty"`
}

// DisableSource is what disables something. Exactly one of its fields is set.
type DisableSource struct {
	// configMap is a value that disables.
	// +optional
	ConfigMap *ConfigMapDisableSource `json:"configMap,omitempty"`

	// everyConfigMap are values that disable if all of them do.
	// +optional
	// +listType=atomic
	EveryConfigMap []ConfigMapDisableSource `json:"everyConfigMap,omitempty"`
}

// ConfigMapDisableSource is a value that disables if it is true.
type ConfigMapDisableSource struct {
	// name is that of the object.
	Name string `json:"name"`

	// key is that of the value.
	Key string `json:"key"`
}
