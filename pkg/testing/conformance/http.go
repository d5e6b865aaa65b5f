// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

const (
	groupPath    = "/apis/tilt.dev"
	versionPath  = groupPath + "/v1alpha1"
	sessionsPath = versionPath + "/sessions"
)

// Headers of the media types that requests and answers are written in.
const (
	acceptTable    = "Accept: application/json;as=Table;v=v1;g=meta.k8s.io"
	acceptMetadata = "Accept: application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"

	contentYAML      = "Content-Type: application/yaml"
	contentJSONPatch = "Content-Type: application/json-patch+json"
	contentMerge     = "Content-Type: application/merge-patch+json"
	contentStrategic = "Content-Type: application/strategic-merge-patch+json"
	contentApply     = "Content-Type: application/apply-patch+yaml"
)

// answer is a complete response.
type answer struct {
	*http.Response
	t    *testing.T
	body []byte
}

// do sends a request and reads the answer. A body of text or bytes is sent unchanged, any other value as JSON.
// Headers are given as "Name: value"; a body without a Content-Type is JSON.
func (s *server) do(t *testing.T, method, path string, body any, headers ...string) *answer {
	t.Helper()
	response := s.open(t, method, path, body, headers...)
	read, err := io.ReadAll(response.Body)
	if closeErr := response.Body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		t.Fatalf("%s %s: reading the answer: %v", method, path, err)
	}
	return &answer{Response: response, t: t, body: read}
}

// open is like do for a response that the caller reads and closes, such as a watch.
// The request ends with the test at the latest.
func (s *server) open(t *testing.T, method, path string, body any, headers ...string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, strings.TrimSuffix(s.Config.Host, "/")+path, encode(t, body))
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	response, err := s.http.Do(request)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return response
}

func encode(t *testing.T, body any) io.Reader {
	t.Helper()
	switch body := body.(type) {
	case nil:
		return nil
	case string:
		return strings.NewReader(body)
	case []byte:
		return bytes.NewReader(body)
	default:
		encoded, err := json.Marshal(body)
		if err != nil {
			t.Fatalf("encoding a request: %v", err)
		}
		return bytes.NewReader(encoded)
	}
}

func (s *server) get(t *testing.T, path string, headers ...string) *answer {
	t.Helper()
	return s.do(t, http.MethodGet, path, nil, headers...)
}

// want ends the test unless the answer has this code.
func (a *answer) want(code int) *answer {
	a.t.Helper()
	if a.StatusCode != code {
		a.t.Fatalf("%s %s: %d instead of %d: %s", a.Request.Method, a.Request.URL.RequestURI(), a.StatusCode, code, cut(a.body))
	}
	return a
}

// into decodes the answer, which must be JSON.
func (a *answer) into(value any) {
	a.t.Helper()
	if err := json.Unmarshal(a.body, value); err != nil {
		a.t.Fatalf("%s %s: %v in %s", a.Request.Method, a.Request.URL.RequestURI(), err, cut(a.body))
	}
}

// object decodes the answer without its type.
func (a *answer) object() *unstructured.Unstructured {
	a.t.Helper()
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(a.body); err != nil {
		a.t.Fatalf("%s %s: %v in %s", a.Request.Method, a.Request.URL.RequestURI(), err, cut(a.body))
	}
	return object
}

func (a *answer) session() *v1alpha1.Session {
	a.t.Helper()
	session := &v1alpha1.Session{}
	a.into(session)
	if session.Kind != "Session" {
		a.t.Fatalf("%s %s: not a Session: %s", a.Request.Method, a.Request.URL.RequestURI(), cut(a.body))
	}
	return session
}

func (a *answer) list() *v1alpha1.SessionList {
	a.t.Helper()
	list := &v1alpha1.SessionList{}
	a.into(list)
	if list.Kind != "SessionList" {
		a.t.Fatalf("%s %s: not a SessionList: %s", a.Request.Method, a.Request.URL.RequestURI(), cut(a.body))
	}
	return list
}

// failure ends the test unless the answer is an error with this code and
// reason, in a Status that agrees with the code of the response.
func (a *answer) failure(code int, reason metav1.StatusReason) *metav1.Status {
	a.t.Helper()
	a.want(code)
	status := &metav1.Status{}
	a.into(status)
	if status.Kind != "Status" || status.APIVersion != "v1" || status.Status != metav1.StatusFailure ||
		status.Code != int32(code) || status.Message == "" {
		a.t.Errorf("not a Status of the failure: %s", cut(a.body))
	}
	if status.Reason != reason {
		a.t.Errorf("%s %s: reason %q instead of %q: %s", a.Request.Method, a.Request.URL.RequestURI(), status.Reason, reason, status.Message)
	}
	return status
}

// cut returns the start of a body, for errors.
func cut(body []byte) string {
	const most = 2000
	if len(body) > most {
		return string(body[:most]) + "..."
	}
	return string(body)
}
