// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// How a log is written.
const (
	// SessionLogFormatText is a line of text for each line of the log, after
	// the name of its resource.
	SessionLogFormatText = "text"
	// SessionLogFormatJSON is a SessionLogLine for each line of the log.
	SessionLogFormatJSON = "json"
)

// SessionLogOptions are the query parameters by which the log of a Session is
// read from its log subresource.
//
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +k8s:openapi-gen=true
type SessionLogOptions struct {
	metav1.TypeMeta `json:",inline"`

	// resources are the resources whose lines are wanted, "(Tiltfile)" for the
	// Tiltfile. Without it those of all are. It can be given several times.
	// +optional
	// +listType=atomic
	Resources []string `json:"resources,omitempty"`

	// follow keeps the answer open and adds lines as they are written, until
	// the run ends.
	// +optional
	Follow bool `json:"follow,omitempty"`

	// sinceSeconds leaves out lines that are older than that, at least 1. It
	// can't be combined with sinceTime.
	// +optional
	SinceSeconds *int64 `json:"sinceSeconds,omitempty"`

	// sinceTime leaves out lines that were written before, in RFC 3339. It
	// can't be combined with sinceSeconds.
	// +optional
	SinceTime *metav1.Time `json:"sinceTime,omitempty"`

	// tailLines is how many of the last lines are wanted of what the log has
	// so far. Without it all of them are.
	// +optional
	TailLines *int64 `json:"tailLines,omitempty"`

	// limitBytes ends the answer after so many bytes, at least 1, which may
	// be in the middle of a line.
	// +optional
	LimitBytes *int64 `json:"limitBytes,omitempty"`

	// timestamps puts the time at which a line was written before it, in RFC
	// 3339 with microseconds. The format "json" always has it.
	// +optional
	Timestamps bool `json:"timestamps,omitempty"`

	// format is "text", which is the default, for lines as "tilt-session up"
	// prints them, or "json" for a SessionLogLine in each line.
	// +optional
	Format string `json:"format,omitempty"`
}

// SessionLogLine is one line of a Session's log in the format "json". It's
// written as one line itself.
//
// +k8s:openapi-gen=true
type SessionLogLine struct {
	// seq is 1 for the first line of the log and one more for each that
	// follows, whatever its resource.
	Seq int64 `json:"seq"`

	// time is when the line's end was written, or when it was noticed that the
	// line had begun.
	Time metav1.MicroTime `json:"time"`

	// resource is the resource that has written the line, "(Tiltfile)" for the
	// Tiltfile.
	Resource string `json:"resource"`

	// level is "info" for what commands write, and "warn" or "error" for
	// warnings and errors of the run itself.
	Level SessionLogLevel `json:"level"`

	// text is the line without its end. What isn't UTF-8 in it is replaced.
	Text string `json:"text"`

	// continues is true if this goes on where the line before of the same resource
	// and level ended: that was sent before its end was written.
	// +optional
	Continues bool `json:"continues,omitempty"`

	// missed is how many lines directly before this one are missing, because
	// they were dropped before they could be sent.
	// +optional
	Missed int64 `json:"missed,omitempty"`
}

// SessionLogLevel is how important a line of a log is.
//
// +enum
type SessionLogLevel string

const (
	// SessionLogLevelInfo is what commands and the Tiltfile write.
	SessionLogLevelInfo SessionLogLevel = "info"
	// SessionLogLevelWarn is a warning of the run.
	SessionLogLevelWarn SessionLogLevel = "warn"
	// SessionLogLevelError is an error of the run.
	SessionLogLevelError SessionLogLevel = "error"
)
