// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Session is one run of a Tiltfile: what to run, when the run is finished, and the
// state of each of its servers and jobs.
//
// +genclient
// +genclient:nonNamespaced
// +genclient:method=Trigger,verb=create,subresource=trigger,input=tilt.dev/session/pkg/apis/core/v1alpha1.SessionTrigger,result=tilt.dev/session/pkg/apis/core/v1alpha1.SessionTrigger
// +genclient:method=Enable,verb=create,subresource=enable,input=tilt.dev/session/pkg/apis/core/v1alpha1.SessionEnable,result=tilt.dev/session/pkg/apis/core/v1alpha1.SessionEnable
// +genclient:method=Disable,verb=create,subresource=disable,input=tilt.dev/session/pkg/apis/core/v1alpha1.SessionDisable,result=tilt.dev/session/pkg/apis/core/v1alpha1.SessionDisable
// +genclient:method=SetArgs,verb=create,subresource=args,input=tilt.dev/session/pkg/apis/core/v1alpha1.SessionArgs,result=tilt.dev/session/pkg/apis/core/v1alpha1.SessionArgs
// +genclient:method=GetArgs,verb=get,subresource=args,result=tilt.dev/session/pkg/apis/core/v1alpha1.SessionArgs
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +k8s:openapi-gen=true
type Session struct {
	metav1.TypeMeta `json:",inline"`

	// Standard object metadata. Sessions are cluster-scoped: they have no namespace.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec defines what to run and when the run is finished.
	// +optional
	Spec SessionSpec `json:"spec,omitempty"`

	// status is the most recently observed state of the run. The process that runs the
	// Session writes it through the status subresource.
	// +optional
	Status SessionStatus `json:"status,omitempty"`
}

// SessionList is a list of Sessions, sorted by name.
//
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +k8s:openapi-gen=true
type SessionList struct {
	metav1.TypeMeta `json:",inline"`

	// Standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the Sessions.
	Items []Session `json:"items"`
}

// ExitCondition defines when a Session is finished.
//
// +enum
type ExitCondition string

const (
	// ExitConditionManual keeps a Session running until it is ended.
	ExitConditionManual ExitCondition = "manual"

	// ExitConditionCI finishes a Session when all its jobs have succeeded and
	// all its servers are ready, or at the first failure or timeout.
	ExitConditionCI ExitCondition = "ci"
)

// SessionSpec is the desired state of a Session.
type SessionSpec struct {
	// tiltfilePath is the path of the Tiltfile, on the machine that runs the Session. It must not be empty. It should
	// be absolute: a server of many Sessions can't run a relative one; "tilt-session up" and "ci" resolve it in their
	// working directory. A change while the Session runs loads the other Tiltfile.
	TiltfilePath string `json:"tiltfilePath"`

	// exitCondition defines when the Session is finished. With "manual" it runs until it is ended. With "ci" it is done
	// as soon as every job has succeeded and every server is ready, or when one fails or a time limit passes. See
	// keepGoing for what happens after a failure.
	ExitCondition ExitCondition `json:"exitCondition"`

	// ci holds the time limits that apply while exitCondition is "ci".
	// +optional
	CI *SessionCISpec `json:"ci,omitempty"`

	// args are the arguments of the Tiltfile, as they follow "tilt up" on a command
	// line. A change evaluates the Tiltfile again. Together they may have up to 256 KiB.
	// +optional
	// +listType=atomic
	Args []string `json:"args,omitempty"`

	// keepGoing lets a Session whose exitCondition is "ci" continue after a failure with everything that doesn't depend
	// on what has failed. The Session still fails, with the error of the earliest failure.
	// +optional
	KeepGoing bool `json:"keepGoing,omitempty"`

	// ttlSecondsAfterFinished is how many seconds the Session is kept after it is done, before a server of many
	// Sessions deletes it. Zero deletes it immediately. If unset the Session is kept. It must not be negative.
	// +optional
	TTLSecondsAfterFinished *int32 `json:"ttlSecondsAfterFinished,omitempty"`

	// runnerSelector has labels that a Runner must have to run the Session. It acts where Runners run Sessions, and until
	// one has claimed the Session.
	// +optional
	RunnerSelector map[string]string `json:"runnerSelector,omitempty"`
}

// SessionCISpec holds the time limits of a Session whose exitCondition is "ci".
// Durations are Go duration strings such as "90s" or "1h30m"; none may be negative.
type SessionCISpec struct {
	// k8sGracePeriod is how long a failing Kubernetes workload is tolerated after it was deployed. Unset or zero
	// tolerates no failure. It doesn't apply to local servers and jobs.
	// +optional
	K8sGracePeriod *metav1.Duration `json:"k8sGracePeriod,omitempty"`

	// timeout is how long the whole Session may take, from status.startTime. Unset or zero means no limit.
	// +optional
	Timeout *metav1.Duration `json:"timeout,omitempty"`

	// readinessTimeout is how long a server may be not ready, from its start or from when it was last ready. A restart
	// doesn't reset it. Unset or zero means no limit. A limit that the Tiltfile sets for a server takes precedence.
	// +optional
	ReadinessTimeout *metav1.Duration `json:"readinessTimeout,omitempty"`
}

// Finalizer holds a deleted Session until nothing of its run is left. The process
// that runs the Session sets and removes it.
const Finalizer = "tilt.dev/session"

// Condition types of a Session.
const (
	// SessionConditionReady is true while every requested server is ready and every requested job has succeeded.
	SessionConditionReady = "Ready"
	// SessionConditionSucceeded is true once the Session is done without a failure.
	SessionConditionSucceeded = "Succeeded"
	// SessionConditionFailed is true once the Session is done with a failure.
	SessionConditionFailed = "Failed"
	// SessionConditionScheduled is present where Runners run Sessions. It is true once a Runner has claimed the Session,
	// and says why none has while it is false.
	SessionConditionScheduled = "Scheduled"
	// SessionConditionTruncated is present, and true, while the status is larger than
	// its storage accepts, so that targets are left out or texts are shortened.
	SessionConditionTruncated = "Truncated"
)

// SessionStatus is the observed state of a Session.
type SessionStatus struct {
	// pid is the process that runs the Session, 0 if none does.
	PID int64 `json:"pid"`

	// startTime is when the run began, null before that.
	StartTime metav1.MicroTime `json:"startTime"`

	// runner is the Runner that has claimed the Session, unset where the API server runs Sessions itself.
	// +optional
	Runner *SessionRunner `json:"runner,omitempty"`

	// targets are the servers and jobs of the Session, sorted by name. A resource of the Tiltfile has one or more of
	// them. The list is replaced as a whole. Some are left out while the condition Truncated is true.
	// +listType=atomic
	Targets []Target `json:"targets"`

	// done is true once the Session has reached its exit condition. From then on
	// targets keep the state in which the verdict was reached.
	Done bool `json:"done"`

	// error is why the Session failed. It is empty while the Session isn't done and when it succeeded. A long error is
	// reduced to its start and its end, as are the errors of targets.
	// +optional
	Error string `json:"error,omitempty"`

	// ci holds the time limits in effect: those that ci_settings in the Tiltfile sets, else those of spec.ci, else the
	// defaults. It is unset before the Tiltfile was read.
	// +optional
	CI *SessionCISpec `json:"ci,omitempty"`

	// conditions summarize the Session for "kubectl wait": Ready, Succeeded and Failed. Where Runners run Sessions,
	// Scheduled says which one does or why none does. While the status is larger than
	// its storage accepts, Truncated says what is missing: first the times of targets and what they wait for are left
	// out, then their errors are shortened, then targets are left out, those that wait, run or have failed last, and
	// finally the error and the messages of conditions are shortened.
	// +optional
	// +patchMergeKey=type
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type"`
}
