// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

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

	// sinceSeq leaves out the lines up to the one with this seq, at least 0: a reader that gives the last one that it has
	// received continues without gap and without repetition. What was dropped meanwhile counts as missed. A seq that the
	// log hasn't reached, so that it is of another run, is refused as expired.
	// +optional
	SinceSeq *int64 `json:"sinceSeq,omitempty"`

	// beforeSeq leaves out the line with this seq and all later ones, at least 1. It can't be combined with follow.
	// +optional
	BeforeSeq *int64 `json:"beforeSeq,omitempty"`

	// limitLines selects at most so many lines, at least 1: with beforeSeq the last ones, else the first ones, and it
	// ends the answer. Parts of a line count as lines.
	// +optional
	LimitLines *int64 `json:"limitLines,omitempty"`

	// grep selects the lines that match this regular expression in RE2's syntax, of at most 1024 bytes, without
	// their escape sequences and what they have overwritten. Parts of a line are matched separately.
	// +optional
	Grep string `json:"grep,omitempty"`

	// level leaves out lines that are less important. The default is "info".
	// +optional
	Level SessionLogLevel `json:"level,omitempty"`

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

	// unfinished is true if the line had no end yet when it was read. The next line of the resource that continues one
	// is the rest.
	// +optional
	Unfinished bool `json:"unfinished,omitempty"`

	// own is true for what the run itself says of a resource, such as which command it starts.
	// +optional
	Own bool `json:"own,omitempty"`

	// missed is how many lines of the resource directly before this one were dropped before they could be sent. In the
	// answer to sinceSeq the first one of a resource is exact if no other resource has dropped lines; a gap in the seq of
	// all resources is exact in any case.
	// +optional
	Missed int64 `json:"missed,omitempty"`
}

// MaxSessionLogGrep is the largest number of bytes in the regular expression that selects lines of a log.
const MaxSessionLogGrep = 1024

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
