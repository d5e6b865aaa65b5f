// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// UIBuildTerminated is an update that has ended.
type UIBuildTerminated struct {
	// error is why it failed, empty if it succeeded.
	// +optional
	Error string `json:"error,omitempty"`

	// warnings are always empty: they are in the log.
	// +optional
	// +listType=atomic
	Warnings []string `json:"warnings,omitempty"`

	// startTime is when it began.
	// +optional
	StartTime metav1.MicroTime `json:"startTime,omitempty"`

	// finishTime is when it ended.
	// +optional
	FinishTime metav1.MicroTime `json:"finishTime,omitempty"`

	// spanID identifies the update among those of all resources of the Session.
	// +optional
	SpanID string `json:"spanID,omitempty"`

	// isCrashRebuild is always false: no update follows from a crash.
	// +optional
	IsCrashRebuild bool `json:"isCrashRebuild,omitempty"`

	// readyTime is when what runs since the update was first ready and, without anything that keeps running, when the
	// update has succeeded. It is known of the last update alone.
	// +optional
	ReadyTime *metav1.MicroTime `json:"readyTime,omitempty"`

	// exitCode is the exit code of the process, unset without one and if a signal ended it.
	// +optional
	ExitCode *int32 `json:"exitCode,omitempty"`

	// signal is the name of the signal that ended the process.
	// +optional
	Signal string `json:"signal,omitempty"`

	UIBuildCause `json:",inline"`
}

// UIBuildRunning is an update that goes on.
type UIBuildRunning struct {
	// startTime is when it began.
	// +optional
	StartTime metav1.MicroTime `json:"startTime,omitempty"`

	// spanID identifies the update among those of all resources of the Session.
	// +optional
	SpanID string `json:"spanID,omitempty"`

	UIBuildCause `json:",inline"`
}

// UIBuildCause is why and since when an update was due.
type UIBuildCause struct {
	// queuedTime is when the update was first wanted.
	// +optional
	QueuedTime *metav1.MicroTime `json:"queuedTime,omitempty"`

	// allowedTime is when all that it depends on was there, so that only its turn was missing.
	// +optional
	AllowedTime *metav1.MicroTime `json:"allowedTime,omitempty"`

	// reason is why it began: initial, retry, trigger, files, dependency, config or args.
	// +optional
	Reason string `json:"reason,omitempty"`

	// changedFiles are the files whose changes made it due, sorted, at most 20 of them.
	// +optional
	// +listType=atomic
	ChangedFiles []string `json:"changedFiles,omitempty"`

	// changedFileCount is how many files made it due.
	// +optional
	ChangedFileCount int32 `json:"changedFileCount,omitempty"`

	// attempt is 0 for the first execution and increases with each retry.
	// +optional
	Attempt int32 `json:"attempt,omitempty"`

	// liveUpdate is true if files were brought into what runs instead of another build.
	// +optional
	LiveUpdate bool `json:"liveUpdate,omitempty"`

	// firstLine is the seq of the first line of the Session's log that can be of the update.
	// +optional
	FirstLine int64 `json:"firstLine,omitempty"`

	// endLine is the seq of the first line of the log after the update, unset while it goes on.
	// +optional
	EndLine int64 `json:"endLine,omitempty"`
}
