// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

const (
	sessionsPath = "/apis/tilt.dev/v1alpha1/sessions"
	jsonType     = "application/json"
	mergePatch   = "application/merge-patch+json"
)

func name(i int) string { return fmt.Sprintf("session-%05d", i) }

// send asks for something, and returns the answer unread. The caller closes it.
func (s *server) send(ctx context.Context, method, path, contentType string, body []byte) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	request.Header.Set("Accept", jsonType)
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		defer response.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1000))
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, response.Status, text)
	}
	return response.Body, nil
}

// do asks for something, and reads the whole answer.
func (s *server) do(ctx context.Context, method, path, contentType string, body []byte) ([]byte, error) {
	answer, err := s.send(ctx, method, path, contentType, body)
	if err != nil {
		return nil, err
	}
	defer answer.Close()
	return io.ReadAll(answer)
}

// newSession is the body that creates a Session.
func newSession(i int) ([]byte, error) {
	return json.Marshal(&v1alpha1.Session{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "Session"},
		ObjectMeta: metav1.ObjectMeta{
			Name: name(i), Labels: map[string]string{"team": fmt.Sprint("team-", i%10), "branch": "main"},
		},
		Spec: v1alpha1.SessionSpec{TiltfilePath: "/home/someone/project/Tiltfile", ExitCondition: v1alpha1.ExitConditionCI},
	})
}

// newStatus is the body that writes the status of a Session that is done.
func newStatus(targets, pid int) ([]byte, error) {
	began := metav1.NowMicro()
	status := v1alpha1.SessionStatus{PID: int64(pid), StartTime: began, Done: true}
	for i := range targets {
		resource := fmt.Sprintf("resource-%02d", i)
		status.Targets = append(status.Targets, v1alpha1.Target{
			Name: resource + ":update", Type: v1alpha1.TargetTypeJob, Resources: []string{resource},
			State: v1alpha1.TargetState{Terminated: &v1alpha1.TargetStateTerminated{StartTime: began, FinishTime: metav1.NowMicro()}},
		})
	}
	return json.Marshal(map[string]any{"status": status})
}
