// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package uiresource

import (
	"fmt"
	"math"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
)

// setBuilds sets the updates of a resource, which may have had none.
func setBuilds(status *v1alpha1.UIResourceStatus, name string, history *engine.History) {
	if history == nil {
		return
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
	for i := range status.BuildHistory {
		if build := &status.BuildHistory[i]; build.Error == "" {
			status.LastDeployTime = build.FinishTime
			break
		}
	}
}

// setReady sets when what the last update has led to was ready. It isn't kept of the ones before.
func setReady(status *v1alpha1.UIResourceStatus, s *engine.RuntimeState) {
	if len(status.BuildHistory) == 0 || status.BuildHistory[0].Error != "" {
		return
	}
	ready := &status.BuildHistory[0].FinishTime
	if s != nil {
		ready = optional(s.Ready)
	}
	status.BuildHistory[0].ReadyTime = ready
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
