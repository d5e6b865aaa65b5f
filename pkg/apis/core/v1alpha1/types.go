// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Session is one run of a Tiltfile: what is to be run, when it counts as
// finished, and how far each of its servers and jobs has come.
//
// +genclient
// +genclient:nonNamespaced
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +k8s:openapi-gen=true
type Session struct {
	metav1.TypeMeta `json:",inline"`

	// Standard object metadata. Sessions are cluster-scoped: they have no namespace.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// spec says what is to be run and when it counts as finished.
	Spec SessionSpec `json:"spec,omitempty" protobuf:"bytes,2,opt,name=spec"`

	// status is what was last seen of the run. It's written by the process
	// that runs the Session, through the status subresource.
	// +optional
	Status SessionStatus `json:"status,omitempty" protobuf:"bytes,3,opt,name=status"`
}

// SessionList is a list of Sessions, sorted by name.
//
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +k8s:openapi-gen=true
type SessionList struct {
	metav1.TypeMeta `json:",inline"`

	// Standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// items are the Sessions.
	Items []Session `json:"items" protobuf:"bytes,2,rep,name=items"`
}

// ExitCondition says when a Session counts as finished.
//
// +enum
type ExitCondition string

const (
	// ExitConditionManual keeps a Session running until somebody ends it.
	ExitConditionManual ExitCondition = "manual"

	// ExitConditionCI finishes a Session when all its jobs have succeeded and
	// all its servers are ready, or at the first failure or timeout.
	ExitConditionCI ExitCondition = "ci"
)

// SessionSpec is the desired state of a Session.
type SessionSpec struct {
	// tiltfilePath is the absolute path of the Tiltfile to run, on the machine
	// that runs the Session. It can't be empty.
	TiltfilePath string `json:"tiltfilePath" protobuf:"bytes,1,opt,name=tiltfilePath"`

	// exitCondition says when the Session is finished. With "manual" it runs
	// until somebody ends it. With "ci" it is done as soon as every job has
	// succeeded and every server is ready, or when one fails or a timeout passes.
	ExitCondition ExitCondition `json:"exitCondition" protobuf:"bytes,2,opt,name=exitCondition,casttype=ExitCondition"`

	// ci holds the time limits that apply while exitCondition is "ci".
	// +optional
	CI *SessionCISpec `json:"ci,omitempty" protobuf:"bytes,3,opt,name=ci"`
}

// SessionCISpec holds the time limits of a Session whose exitCondition is "ci".
// Durations are Go duration strings such as "90s" or "1h30m"; none may be negative.
type SessionCISpec struct {
	// k8sGracePeriod is how long a failing Kubernetes workload is tolerated
	// after it was deployed. Unset or zero tolerates no failure. It doesn't
	// apply to local servers and jobs.
	// +optional
	K8sGracePeriod *metav1.Duration `json:"k8sGracePeriod,omitempty" protobuf:"bytes,1,opt,name=k8sGracePeriod"`

	// timeout is how long the whole Session may take, from status.startTime.
	// Unset or zero means no limit.
	// +optional
	Timeout *metav1.Duration `json:"timeout,omitempty" protobuf:"bytes,2,opt,name=timeout"`

	// readinessTimeout is how long a server may stay not ready, counted from
	// its start or from when it was last ready. Unset or zero means no limit.
	// +optional
	ReadinessTimeout *metav1.Duration `json:"readinessTimeout,omitempty" protobuf:"bytes,3,opt,name=readinessTimeout"`
}

// Condition types of a Session.
const (
	// SessionConditionReady is true while every requested server is ready and
	// every requested job has succeeded.
	SessionConditionReady = "Ready"
	// SessionConditionSucceeded is true once the Session is done without a failure.
	SessionConditionSucceeded = "Succeeded"
	// SessionConditionFailed is true once the Session is done with a failure.
	SessionConditionFailed = "Failed"
)

// SessionStatus is the observed state of a Session.
type SessionStatus struct {
	// pid is the process that runs the Session, 0 when none does.
	PID int64 `json:"pid" protobuf:"varint,1,opt,name=pid"`

	// startTime is when the run began, null before that.
	StartTime metav1.MicroTime `json:"startTime" protobuf:"bytes,2,opt,name=startTime"`

	// targets are the servers and jobs of the Session, sorted by name. A
	// resource of the Tiltfile has one or more of them. The list is replaced
	// as a whole.
	// +listType=atomic
	Targets []Target `json:"targets" protobuf:"bytes,3,rep,name=targets"`

	// done tells whether the Session has reached its exit condition. Once true
	// it stays true, and targets keep the state in which the verdict was reached.
	Done bool `json:"done" protobuf:"varint,4,opt,name=done"`

	// error says why the Session failed. It's empty while the Session isn't
	// done and when it succeeded.
	// +optional
	Error string `json:"error,omitempty" protobuf:"bytes,5,opt,name=error"`

	// conditions summarise the Session for "kubectl wait": Ready, Succeeded
	// and Failed.
	// +optional
	// +patchMergeKey=type
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type" protobuf:"bytes,6,rep,name=conditions"`
}

// TargetType is the way a target executes.
//
// +enum
type TargetType string

const (
	// TargetTypeJob runs to completion, such as a build or a test.
	TargetTypeJob TargetType = "job"
	// TargetTypeServer runs until it's stopped, such as an HTTP server.
	TargetTypeServer TargetType = "server"
)

// Target is one server or job that's executed as part of a Session.
type Target struct {
	// name identifies the target within its Session: the resource's name, a
	// colon, and "update" for its job or "serve" for its server.
	Name string `json:"name" protobuf:"bytes,1,opt,name=name"`

	// type is "job" for a target that runs to completion and "server" for one
	// that's expected to run indefinitely.
	Type TargetType `json:"type" protobuf:"bytes,2,opt,name=type,casttype=TargetType"`

	// resources are the resources of the Tiltfile that this target belongs to.
	// +listType=atomic
	Resources []string `json:"resources" protobuf:"bytes,3,rep,name=resources"`

	// state is what the target is doing.
	State TargetState `json:"state" protobuf:"bytes,4,opt,name=state"`
}

// TargetState is what a target is doing. At most one of its fields is set. None
// is set for a target that nobody has asked to run yet.
//
// +union
type TargetState struct {
	// waiting is set while the next execution is wanted but hasn't begun.
	// +optional
	Waiting *TargetStateWaiting `json:"waiting,omitempty" protobuf:"bytes,1,opt,name=waiting"`

	// active is set while the target executes.
	// +optional
	Active *TargetStateActive `json:"active,omitempty" protobuf:"bytes,2,opt,name=active"`

	// terminated is set when the last execution has ended, well or badly.
	// +optional
	Terminated *TargetStateTerminated `json:"terminated,omitempty" protobuf:"bytes,3,opt,name=terminated"`

	// disabled is set when the target's resource is disabled and isn't
	// expected to run.
	// +optional
	Disabled *TargetStateDisabled `json:"disabled,omitempty" protobuf:"bytes,4,opt,name=disabled"`
}

// TargetStateWaiting is a target whose next execution is wanted but hasn't begun.
type TargetStateWaiting struct {
	// waitReason says in one word what the target waits for. It isn't what
	// caused the execution to be wanted.
	WaitReason string `json:"waitReason" protobuf:"bytes,1,opt,name=waitReason"`
}

// TargetStateActive is a target that executes at the moment.
type TargetStateActive struct {
	// startTime is when this execution began, null while it's being launched.
	StartTime metav1.MicroTime `json:"startTime" protobuf:"bytes,1,opt,name=startTime"`

	// ready tells whether a server passes its readiness probe; without a probe
	// it's true as soon as the process runs. It's always false for a job.
	Ready bool `json:"ready" protobuf:"varint,2,opt,name=ready"`

	// lastReadyTime is when ready last turned from false to true, null if it
	// never did.
	// +optional
	LastReadyTime metav1.MicroTime `json:"lastReadyTime" protobuf:"bytes,3,opt,name=lastReadyTime"`
}

// TargetStateTerminated is a target whose last execution has ended.
type TargetStateTerminated struct {
	// startTime is when that execution began, null if it couldn't be launched.
	StartTime metav1.MicroTime `json:"startTime" protobuf:"bytes,1,opt,name=startTime"`

	// finishTime is when that execution ended.
	FinishTime metav1.MicroTime `json:"finishTime" protobuf:"bytes,2,opt,name=finishTime"`

	// error says what went wrong. It's empty for a job that succeeded and never
	// empty for a server, which isn't expected to end.
	// +optional
	Error string `json:"error,omitempty" protobuf:"bytes,3,opt,name=error"`

	// graceStatus tells whether a failure is forgiven by ci.k8sGracePeriod:
	// "Tolerated" within the period, "Exceeded" after it, empty where it
	// doesn't apply.
	// +optional
	GraceStatus TargetGraceStatus `json:"graceStatus,omitempty" protobuf:"bytes,4,opt,name=graceStatus,casttype=TargetGraceStatus"`

	// exitCode is the exit code of the process. It's unset when no process
	// ran or when a signal ended it.
	// +optional
	ExitCode *int32 `json:"exitCode,omitempty" protobuf:"varint,5,opt,name=exitCode"`

	// signal is the name of the signal that ended the process, such as
	// "killed" or "terminated", empty if none did.
	// +optional
	Signal string `json:"signal,omitempty" protobuf:"bytes,6,opt,name=signal"`
}

// TargetGraceStatus tells whether a failed target is forgiven for the moment.
//
// +enum
type TargetGraceStatus string

const (
	// TargetGraceNotApplicable is a target without a grace period.
	TargetGraceNotApplicable TargetGraceStatus = ""
	// TargetGraceTolerated is a failure within the grace period.
	TargetGraceTolerated TargetGraceStatus = "Tolerated"
	// TargetGraceExceeded is a failure that outlasted the grace period.
	TargetGraceExceeded TargetGraceStatus = "Exceeded"
)

// TargetStateDisabled is a target whose resource is disabled.
type TargetStateDisabled struct{}
