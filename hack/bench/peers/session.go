// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// firstPID is the process ID that a template has. Each write replaces it by
// another of as many digits, so that an answer or an event shows which write it
// belongs to.
const firstPID = 1_000_000_000

var pidKey = []byte(`"pid":`)

// stamp replaces the process ID of a JSON text.
func stamp(text []byte, pid int) ([]byte, error) {
	at := bytes.Index(text, pidKey)
	if at < 0 {
		return nil, fmt.Errorf("no process ID in %.100s", text)
	}
	at += len(pidKey)
	stamped := bytes.Clone(text)
	copy(stamped[at:], strconv.Itoa(pid))
	return stamped, nil
}

// pidOf is the process ID in a JSON text, 0 if there's none.
func pidOf(text []byte) int {
	at := bytes.Index(text, pidKey)
	if at < 0 {
		return 0
	}
	digits := text[at+len(pidKey):]
	pid, _ := strconv.Atoi(string(digits[:min(len(digits), len(strconv.Itoa(firstPID)))]))
	return pid
}

// valueOf is the text of the first member of that name whose value is a string,
// without escapes.
func valueOf(text []byte, name string) string {
	_, rest, found := bytes.Cut(text, []byte(`"`+name+`":"`))
	if !found {
		return ""
	}
	value, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(value)
}

func sessionName(i int) string { return fmt.Sprintf("session-%05d", i) }

func sessionPath(name string) string { return sessionsPath + "/" + name }

// newSession is a Session as a client creates it.
func newSession(name string) *v1alpha1.Session {
	return &v1alpha1.Session{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "Session"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"team": "a", "branch": "main"}},
		Spec: v1alpha1.SessionSpec{
			TiltfilePath: "/home/user/project/Tiltfile", ExitCondition: v1alpha1.ExitConditionCI,
		},
	}
}

// newStatus is the status of a Session that is done.
func newStatus(targets int) v1alpha1.SessionStatus {
	at := metav1.NewMicroTime(time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC))
	status := v1alpha1.SessionStatus{PID: firstPID, StartTime: at, Done: true}
	for i := range targets {
		resource := fmt.Sprintf("resource-%02d", i)
		status.Targets = append(status.Targets, v1alpha1.Target{
			Name: resource + ":update", Type: v1alpha1.TargetTypeJob, Resources: []string{resource},
			State: v1alpha1.TargetState{Terminated: &v1alpha1.TargetStateTerminated{StartTime: at, FinishTime: at}},
		})
	}
	return status
}

// The marks that stand in a template for what differs from request to request.
const (
	nameMark            = "SESSIONNAME"
	resourceVersionMark = "RESOURCEVERSION"
)

// templates are the bodies of the writes of a status.
type templates struct{ update, merge, apply []byte }

func newTemplates(targets int) (t templates, err error) {
	session := newSession(nameMark)
	session.ResourceVersion, session.Status = resourceVersionMark, newStatus(targets)
	if t.update, err = json.Marshal(session); err != nil {
		return t, err
	}
	if t.merge, err = json.Marshal(map[string]any{"status": session.Status}); err != nil {
		return t, err
	}
	t.apply, err = json.Marshal(map[string]any{
		"apiVersion": session.APIVersion, "kind": session.Kind,
		"metadata": map[string]any{"name": nameMark}, "status": session.Status,
	})
	return t, err
}

// fill returns a template with its marks replaced.
func fill(template []byte, name, resourceVersion string, pid int) ([]byte, error) {
	template = bytes.Replace(template, []byte(nameMark), []byte(name), 1)
	template = bytes.Replace(template, []byte(resourceVersionMark), []byte(resourceVersion), 1)
	return stamp(template, pid)
}
