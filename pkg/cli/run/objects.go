// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"bytes"
	"encoding/json"
	"io"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/report"
	"tilt.dev/session/pkg/session"
	"tilt.dev/session/pkg/view"
)

// objects writes an object in each line.
type objects struct{ w io.Writer }

// The kinds of objects.
type (
	logObject struct {
		Kind string `json:"kind"`
		v1alpha1.SessionLogLine
	}
	stateObject struct {
		Kind      string               `json:"kind"`
		Time      metav1.MicroTime     `json:"time"`
		Target    string               `json:"target"`
		Type      v1alpha1.TargetType  `json:"type"`
		Resources []string             `json:"resources"`
		Phase     string               `json:"phase"`
		State     v1alpha1.TargetState `json:"state"`
	}
	resultObject struct {
		Kind string           `json:"kind"`
		Time metav1.MicroTime `json:"time"`
		// Verdict is "Succeeded", the reason of the condition Failed, or empty for a run that has ended without one.
		Verdict session.Verdict `json:"verdict"`
		// Signal is the one that has ended the run.
		Signal   string `json:"signal,omitempty"`
		Error    string `json:"error,omitempty"`
		ExitCode int    `json:"exitCode"`
		// Seconds is how long the run took.
		Seconds float64 `json:"seconds"`
	}
)

func (w objects) Print(batch logs.Batch) (shown bool, err error) {
	var piece []byte
	for line, missed := range batch.Lines() {
		object, err := json.Marshal(logObject{"log", session.EncodeLine(line, missed)})
		if err != nil {
			return false, err
		}
		piece = append(append(piece, object...), '\n')
	}
	if len(piece) == 0 {
		return false, nil
	}
	_, err = w.w.Write(harmlessJSON(piece))
	return true, err
}

// encode writes an object.
func (w objects) encode(object any) error {
	line, err := json.Marshal(object)
	if err == nil {
		_, err = w.w.Write(append(harmlessJSON(line), '\n'))
	}
	return err
}

// harmlessJSON is the same JSON without "##[", which begins a command of GitHub Actions anywhere in a line.
func harmlessJSON(content []byte) []byte {
	return bytes.ReplaceAll(content, []byte("##["), []byte(`\u0023#[`))
}

func (w objects) change(t *v1alpha1.Target, now time.Time) error {
	return w.encode(stateObject{
		Kind: "state", Time: metav1.NewMicroTime(view.ChangedAt(t, now)), Target: t.Name, Type: t.Type,
		Resources: t.Resources, Phase: session.PhaseOf(t.State).String(), State: t.State,
	})
}

// result writes how the run has ended.
func (w objects) result(r *report.Report) error {
	return w.encode(resultObject{
		"result", metav1.NewMicroTime(r.End), r.Verdict, r.Signal, r.Error, r.ExitCode, r.Took().Seconds(),
	})
}

func (objects) note(string, time.Time) error { return nil }
func (objects) known(*engine.Snapshot) error { return nil }
func (objects) Close() error                 { return nil }
