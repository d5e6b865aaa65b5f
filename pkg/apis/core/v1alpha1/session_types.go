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

	// spec says what is to be run and when it counts as finished.
	// +optional
	Spec SessionSpec `json:"spec,omitempty"`

	// status is what was last seen of the run. It's written by the process
	// that runs the Session, through the status subresource.
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
	// tiltfilePath is the path of the Tiltfile to run, on the machine that runs
	// the Session. It should be absolute; a relative one is taken from the working
	// directory of the process that runs the Session, but can't be run by a server
	// of many Sessions. It can't be empty. When it changes while the Session runs,
	// the other Tiltfile is loaded.
	TiltfilePath string `json:"tiltfilePath"`

	// exitCondition says when the Session is finished. With "manual" it runs
	// until somebody ends it. With "ci" it is done as soon as every job has
	// succeeded and every server is ready, or when one fails or a timeout passes.
	// See keepGoing for what happens after a failure.
	ExitCondition ExitCondition `json:"exitCondition"`

	// ci holds the time limits that apply while exitCondition is "ci".
	// +optional
	CI *SessionCISpec `json:"ci,omitempty"`

	// args are the arguments of the Tiltfile, as they would follow "tilt up". A
	// change evaluates the Tiltfile again.
	// +optional
	// +listType=atomic
	Args []string `json:"args,omitempty"`

	// keepGoing lets a Session whose exitCondition is "ci" continue after a failure
	// with everything that doesn't depend on what has failed. The Session still
	// fails, and its error names every failure.
	// +optional
	KeepGoing bool `json:"keepGoing,omitempty"`

	// ttlSecondsAfterFinished is how many seconds a Session stays after it's done.
	// Then it's deleted. Zero deletes it at once. Unset keeps it. It can't be
	// negative.
	// +optional
	TTLSecondsAfterFinished *int32 `json:"ttlSecondsAfterFinished,omitempty"`
}

// SessionCISpec holds the time limits of a Session whose exitCondition is "ci".
// Durations are Go duration strings such as "90s" or "1h30m"; none may be negative.
type SessionCISpec struct {
	// k8sGracePeriod is how long a failing Kubernetes workload is tolerated
	// after it was deployed. Unset or zero tolerates no failure. It doesn't
	// apply to local servers and jobs.
	// +optional
	K8sGracePeriod *metav1.Duration `json:"k8sGracePeriod,omitempty"`

	// timeout is how long the whole Session may take, from status.startTime.
	// Unset or zero means no limit.
	// +optional
	Timeout *metav1.Duration `json:"timeout,omitempty"`

	// readinessTimeout is how long a server may stay not ready, counted from
	// its start or from when it was last ready. For one that's started again whenever
	// it ends, the starts after the first don't begin it anew. Unset or zero means
	// no limit. A limit that the Tiltfile sets for a server goes before it.
	// +optional
	ReadinessTimeout *metav1.Duration `json:"readinessTimeout,omitempty"`
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
	// SessionConditionExpiring is there, and false, while a Session that's done
	// isn't deleted because its AnnotationTTLAfterFinished can't be read.
	SessionConditionExpiring = "Expiring"
	// SessionConditionTruncated is there, and true, while the status is larger than
	// its storage takes, so that targets are left out or texts are shortened.
	SessionConditionTruncated = "Truncated"
)

// SessionStatus is the observed state of a Session.
type SessionStatus struct {
	// pid is the process that runs the Session, 0 when none does.
	PID int64 `json:"pid"`

	// startTime is when the run began, null before that.
	StartTime metav1.MicroTime `json:"startTime"`

	// targets are the servers and jobs of the Session, sorted by name. A
	// resource of the Tiltfile has one or more of them. The list is replaced
	// as a whole. Some are left out while the condition Truncated is true.
	// +listType=atomic
	Targets []Target `json:"targets"`

	// done tells whether the Session has reached its exit condition. Once true
	// it stays true, and targets keep the state in which the verdict was reached.
	Done bool `json:"done"`

	// error says why the Session failed. It's empty while the Session isn't
	// done and when it succeeded. Of a long one, as of errors of targets, the start
	// and the end are kept.
	// +optional
	Error string `json:"error,omitempty"`

	// ci holds the time limits in effect: those that ci_settings in the Tiltfile
	// sets, else those of spec.ci, else the defaults. It's unset before the Tiltfile
	// was read.
	// +optional
	CI *SessionCISpec `json:"ci,omitempty"`

	// conditions summarise the Session for "kubectl wait": Ready, Succeeded
	// and Failed. While the status is larger than its storage takes, Truncated says
	// what's missing: first errors of targets are shortened, then targets are left
	// out, of which those that wait, run or have failed stay longest, and last the
	// error and the messages of conditions are shortened.
	// +optional
	// +patchMergeKey=type
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type"`
}
