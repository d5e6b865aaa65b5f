// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/logs"
)

// levels are the levels of a log as they are published.
var levels = [...]v1alpha1.SessionLogLevel{
	logs.LevelInfo:  v1alpha1.SessionLogLevelInfo,
	logs.LevelWarn:  v1alpha1.SessionLogLevelWarn,
	logs.LevelError: v1alpha1.SessionLogLevelError,
}

// LevelOf is a published level, logs.LevelInfo for one that isn't known.
func LevelOf(published v1alpha1.SessionLogLevel) logs.Level {
	for level, name := range levels {
		if name == published {
			return logs.Level(level)
		}
	}
	return logs.LevelInfo
}

// EncodeLine is a line of a log as it is published. missed counts the lines of its source that are missing before it.
func EncodeLine(line logs.Line, missed uint64) v1alpha1.SessionLogLine {
	return v1alpha1.SessionLogLine{
		Seq:        int64(line.Seq),
		Time:       metav1.NewMicroTime(line.Time),
		Resource:   line.Source,
		Level:      levels[line.Level],
		Text:       line.Text,
		Continues:  line.Continues,
		Unfinished: line.Unfinished,
		Own:        line.Own,
		Missed:     int64(missed),
	}
}

// DecodeLine is a published line as a log has it. previous is the one before it: lines of one message, which are
// written at once, are told from other messages by that.
func DecodeLine(line, previous v1alpha1.SessionLogLine) logs.Line {
	level := LevelOf(line.Level)
	return logs.Line{
		Seq:    uint64(line.Seq),
		Time:   line.Time.Time,
		Source: line.Resource,
		Level:  level,
		Continued: level != logs.LevelInfo && line.Level == previous.Level && line.Resource == previous.Resource &&
			line.Seq == previous.Seq+1 && line.Time.Equal(&previous.Time),
		Continues:  line.Continues,
		Unfinished: line.Unfinished,
		Own:        line.Own,
		Text:       line.Text,
	}
}
