// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TargetType is the way a target executes.
//
// +enum
type TargetType string

const (
	// TargetTypeJob runs to completion, such as a test, the build of an image or a deploy.
	TargetTypeJob TargetType = "job"
	// TargetTypeServer runs until it is stopped, such as an HTTP server or a Kubernetes workload.
	TargetTypeServer TargetType = "server"
)

// Target is one server or job of a Session.
type Target struct {
	// name identifies the target within its Session: the resource's name, a
	// colon, and "update" for its job, "serve" for its server or "runtime" for
	// its Kubernetes workload. The build of an image is "image:" and the name
	// of the image.
	Name string `json:"name"`

	// type is "job" for a target that runs to completion and "server" for one that is expected to run indefinitely.
	Type TargetType `json:"type"`

	// resources are the resources of the Tiltfile that this target belongs to. An image belongs to all that use it.
	// +listType=atomic
	Resources []string `json:"resources"`

	// state is the current state of the target.
	State TargetState `json:"state"`

	// restartCount is how often the target was started again after a failure, since it was last started for another
	// reason: the retries of a job, the restarts of a server, those of the containers of a workload's pods.
	// +optional
	RestartCount int32 `json:"restartCount,omitempty"`

	// times are the moments of the execution that goes on or is requested, else of the last one. They are enough to tell
	// which chain of targets took how long.
	// +optional
	Times *TargetTimes `json:"times,omitempty"`
}

// TargetTimes are the moments of an execution. Those that haven't come are unset. The execution of a server begins with
// the update that it follows, and goes on when it is restarted by itself. The retries of a job are of one execution.
type TargetTimes struct {
	// queuedTime is when the execution was first requested, together with the update that a server follows.
	// +optional
	QueuedTime *metav1.MicroTime `json:"queuedTime,omitempty"`

	// allowedTime is when all that the target depends on was there, so that only its turn was missing. For a server that
	// is when its update had succeeded.
	// +optional
	AllowedTime *metav1.MicroTime `json:"allowedTime,omitempty"`

	// startTime is when the execution began.
	// +optional
	StartTime *metav1.MicroTime `json:"startTime,omitempty"`

	// readyTime is when a server was first ready, or when a job had succeeded.
	// +optional
	ReadyTime *metav1.MicroTime `json:"readyTime,omitempty"`

	// finishTime is when the execution ended.
	// +optional
	FinishTime *metav1.MicroTime `json:"finishTime,omitempty"`
}

// TargetState is the state of a target. At most one of its fields is set. None is set
// for a target that was never requested.
type TargetState struct {
	// waiting is set while the next execution is requested but hasn't begun.
	// +optional
	Waiting *TargetStateWaiting `json:"waiting,omitempty"`

	// active is set while the target executes.
	// +optional
	Active *TargetStateActive `json:"active,omitempty"`

	// terminated is set when the last execution has ended, with success or a failure. A workload that has failed,
	// such as by a crash loop, may become active again by itself.
	// +optional
	Terminated *TargetStateTerminated `json:"terminated,omitempty"`

	// disabled is set when the target's resource is disabled and isn't expected to run.
	// +optional
	Disabled *TargetStateDisabled `json:"disabled,omitempty"`
}

// TargetStateWaiting is a target whose next execution is requested but hasn't begun.
type TargetStateWaiting struct {
	// waitReason is what the target waits for, in one word. It isn't the cause of the execution. Before its pods run,
	// a workload waits for the reason that its pods give, such as "ContainerCreating" or "Unschedulable".
	WaitReason string `json:"waitReason"`

	// since is when the target began to wait, for whatever reasons since then.
	// +optional
	Since *metav1.MicroTime `json:"since,omitempty"`

	// on are the names of the targets of this Session that it waits for, sorted, and not more than 100. It is empty if
	// only something else is missing, such as its turn or a trigger.
	// +optional
	// +listType=atomic
	On []string `json:"on,omitempty"`
}

// TargetStateActive is a target that is executing.
type TargetStateActive struct {
	// startTime is when this execution began, null while the process is being started. For a workload it is when its
	// last deploy ended.
	StartTime metav1.MicroTime `json:"startTime"`

	// ready is true while a server passes its readiness probe or, without a probe, as
	// soon as its process runs, and while all objects of a workload are ready. It is
	// always false for a job.
	Ready bool `json:"ready"`

	// lastReadyTime is when ready last changed from false to true, null if it never did.
	// +optional
	LastReadyTime metav1.MicroTime `json:"lastReadyTime"`
}

// TargetStateTerminated is a target whose last execution has ended.
type TargetStateTerminated struct {
	// startTime is when that execution began, null for a server that couldn't be started. For a workload it is when its
	// last deploy ended or, if a container fails, when its pod was created.
	StartTime metav1.MicroTime `json:"startTime"`

	// finishTime is when that execution ended, for a workload when that was first seen.
	FinishTime metav1.MicroTime `json:"finishTime"`

	// error is why the target failed. It is empty for a job that succeeded and for a
	// workload that has ended as it should, and never empty for other servers, which
	// aren't expected to end.
	// +optional
	Error string `json:"error,omitempty"`

	// graceStatus is whether ci.k8sGracePeriod tolerates the failure of a workload:
	// "Tolerated" within the period after its last deploy, "Exceeded" after it, empty
	// where there is no period. A tolerated failure doesn't end the Session.
	// +optional
	GraceStatus TargetGraceStatus `json:"graceStatus,omitempty"`

	// exitCode is the exit code of the process. It is unset if no process ran or if a signal ended it, and for
	// workloads, whose error has it.
	// +optional
	ExitCode *int32 `json:"exitCode,omitempty"`

	// signal is the name of the signal that ended the process, such as "killed" or "terminated", empty if none did.
	// +optional
	Signal string `json:"signal,omitempty"`
}

// TargetGraceStatus is whether the failure of a target is tolerated.
//
// +enum
type TargetGraceStatus string

const (
	// TargetGraceNotApplicable is a target that hasn't failed or has no grace period.
	TargetGraceNotApplicable TargetGraceStatus = ""
	// TargetGraceTolerated is a failure within the grace period.
	TargetGraceTolerated TargetGraceStatus = "Tolerated"
	// TargetGraceExceeded is a failure that outlasted the grace period.
	TargetGraceExceeded TargetGraceStatus = "Exceeded"
)

// WaitReasonSessionSlot is the waitReason of a Session's Tiltfile while as many other
// Sessions run as the server allows at once.
const WaitReasonSessionSlot = "waiting-for-session-slot"

// TargetStateDisabled is a target whose resource is disabled.
type TargetStateDisabled struct{}
