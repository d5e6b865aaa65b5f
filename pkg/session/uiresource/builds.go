// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package uiresource

import (
	"fmt"
	"math"
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
)

// setBuilds sets the updates of a resource: those of its history or, without one, what is known of the last two.
func setBuilds(status *v1alpha1.UIResourceStatus, name string, history *engine.History, running time.Time, last *engine.Exit) {
	if history == nil {
		history = &engine.History{}
		if !running.IsZero() {
			history.Current = &engine.Build{Start: running}
		}
		if last != nil {
			history.Ended = []*engine.Build{{
				Start: last.Start, Finish: last.Finish, Error: last.Error, Code: last.Code, Signal: last.Signal,
			}}
		}
	}
	if current := history.Current; current != nil {
		status.CurrentBuild = &v1alpha1.UIBuildRunning{
			StartTime: microTime(current.Start), SpanID: spanID(name, current), UIBuildCause: cause(current),
		}
	}
	for _, build := range history.Ended {
		ended := v1alpha1.UIBuildTerminated{
			Error: build.Error, StartTime: microTime(build.Start), FinishTime: microTime(build.Finish),
			SpanID: spanID(name, build), Signal: build.Signal, UIBuildCause: cause(build),
		}
		if build.Code != nil && build.Signal == "" {
			code := int32(*build.Code)
			ended.ExitCode = &code
		}
		status.BuildHistory = append(status.BuildHistory, ended)
	}
	if n := len(status.BuildHistory); n > 0 && history.Ended[0].Error == "" {
		status.BuildHistory[0].ReadyTime = optional(history.Ended[0].Finish)
	}
}

func spanID(name string, build *engine.Build) string {
	return fmt.Sprintf("build:%s:%d", name, build.Number)
}

func cause(build *engine.Build) v1alpha1.UIBuildCause {
	return v1alpha1.UIBuildCause{
		QueuedTime: optional(build.Queued), AllowedTime: optional(build.Allowed), Reason: string(build.Reason),
		ChangedFiles: build.Files, ChangedFileCount: int32(min(build.Changed, math.MaxInt32)),
		Attempt: int32(min(build.Attempt, math.MaxInt32)), LiveUpdate: build.Live,
		FirstLine: int64(build.FirstLine), EndLine: int64(build.EndLine),
	}
}

// setReady corrects when what the last update has led to was ready, for a resource with a runtime.
func setReady(status *v1alpha1.UIResourceStatus, s *engine.RuntimeState) {
	if len(status.BuildHistory) == 0 {
		return
	}
	last := &status.BuildHistory[0]
	last.ReadyTime = nil
	if s.Running != nil && !s.Running.LastReady.Before(last.FinishTime.Time) && last.Error == "" {
		last.ReadyTime = optional(s.Running.LastReady)
	}
}

// setLastDeploy sets when the last update has succeeded.
func setLastDeploy(status *v1alpha1.UIResourceStatus) {
	for i := range status.BuildHistory {
		if build := &status.BuildHistory[i]; build.Error == "" {
			status.LastDeployTime = build.FinishTime
			return
		}
	}
}
