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

// Formats of a log.
const (
	// SessionLogFormatText is a line of text for each line of the log, after the name of its resource.
	SessionLogFormatText = "text"
	// SessionLogFormatJSON is a SessionLogLine for each line of the log.
	SessionLogFormatJSON = "json"
)

// SessionLogOptions are the query parameters of the log subresource of a Session.
//
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +k8s:openapi-gen=true
type SessionLogOptions struct {
	metav1.TypeMeta `json:",inline"`

	// resources selects the lines of these resources, "(Tiltfile)" for the Tiltfile. It
	// can be given several times. If unset the lines of all resources are selected.
	// +optional
	// +listType=atomic
	Resources []string `json:"resources,omitempty"`

	// follow keeps the answer open and adds lines as they are written, until the run ends.
	// +optional
	Follow bool `json:"follow,omitempty"`

	// sinceSeconds leaves out lines older than so many seconds, at least 1. It can't be combined with sinceTime.
	// +optional
	SinceSeconds *int64 `json:"sinceSeconds,omitempty"`

	// sinceTime leaves out lines written before that time, in RFC 3339. It can't be combined with sinceSeconds.
	// +optional
	SinceTime *metav1.Time `json:"sinceTime,omitempty"`

	// tailLines selects so many of the last lines that the log has at the time of the
	// request. If unset all of them are selected.
	// +optional
	TailLines *int64 `json:"tailLines,omitempty"`

	// limitBytes ends the answer after so many bytes, at least 1, perhaps in the middle of a line.
	// +optional
	LimitBytes *int64 `json:"limitBytes,omitempty"`

	// timestamps begins each line with the time at which it was written, in RFC 3339
	// with microseconds. The format "json" always has the time.
	// +optional
	Timestamps bool `json:"timestamps,omitempty"`

	// format is "text" for lines as "tilt-session up" prints them, or "json" for a
	// SessionLogLine in each line. The default is "text".
	// +optional
	Format string `json:"format,omitempty"`
}

// SessionLogLine is one line of a Session's log in the format "json", encoded in one line.
//
// +k8s:openapi-gen=true
type SessionLogLine struct {
	// seq is the number of the line in the log of all resources, from 1.
	Seq int64 `json:"seq"`

	// time is when the line's end was written or, for a line without an end yet, when its beginning was read.
	Time metav1.MicroTime `json:"time"`

	// resource is the resource that has written the line, "(Tiltfile)" for the Tiltfile.
	Resource string `json:"resource"`

	// level is "info" for the output of commands, and "warn" or "error" for warnings and errors of the run itself.
	Level SessionLogLevel `json:"level"`

	// text is the line without its end. Bytes that aren't valid UTF-8 are replaced.
	Text string `json:"text"`

	// continues is true if this is the rest of the previous line of the same resource and
	// level, whose beginning was sent before its end was written.
	// +optional
	Continues bool `json:"continues,omitempty"`

	// missed is how many lines directly before this one were dropped before they could be sent.
	// +optional
	Missed int64 `json:"missed,omitempty"`
}

// SessionLogLevel is how important a line of a log is.
//
// +enum
type SessionLogLevel string

const (
	// SessionLogLevelInfo is the output of commands and of the Tiltfile.
	SessionLogLevelInfo SessionLogLevel = "info"
	// SessionLogLevelWarn is a warning of the run.
	SessionLogLevelWarn SessionLogLevel = "warn"
	// SessionLogLevelError is an error of the run.
	SessionLogLevelError SessionLogLevel = "error"
)
