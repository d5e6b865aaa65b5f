// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"net/http"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	testserver "tilt.dev/session/pkg/testing/server"
)

// TestSessionsAreJSONWhenSomethingElseIsPreferred: neither a format that the
// type doesn't have nor a wildcard hides that JSON is accepted.
func TestSessionsAreJSONWhenSomethingElseIsPreferred(t *testing.T) {
	t.Parallel()
	client := newRawClient(t, testserver.Start(t))
	client.do(http.MethodPost, sessionsPath, newSession("a")).want(http.StatusCreated)
	for _, path := range []string{sessionsPath, sessionsPath + "/a", sessionsPath + "/a/status", sessionsPath + "?watch=true&timeoutSeconds=1"} {
		for accept, code := range map[string]int{
			"application/vnd.kubernetes.protobuf, application/json":                   http.StatusOK,
			"application/vnd.kubernetes.protobuf;stream=watch,application/json;q=0.1": http.StatusOK,
			"application/vnd.kubernetes.protobuf, */*":                                http.StatusOK,
			"application/*":                                                            http.StatusOK,
			"text/html, application/*;q=0.8":                                           http.StatusOK,
			"application/*;as=Table;v=v1;g=meta.k8s.io":                                http.StatusOK,
			"application/vnd.kubernetes.protobuf":                                      http.StatusNotAcceptable,
			"application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io":          http.StatusNotAcceptable,
			"application/vnd.kubernetes.protobuf;q=0.9,application/cbor,text/html;q=1": http.StatusNotAcceptable,
		} {
			reply := client.do(http.MethodGet, path, nil, "Accept: "+accept).want(code)
			if isJSON := strings.HasPrefix(reply.header.Get("Content-Type"), jsonType); code == http.StatusOK && !isJSON {
				t.Errorf("%s as %s is %s", path, accept, reply.header.Get("Content-Type"))
			}
		}
	}
	metadata := client.do(http.MethodGet, sessionsPath+"/a", nil,
		"Accept: application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,"+jsonType).want(http.StatusOK)
	discovery := client.do(http.MethodGet, "/apis", nil, "Accept: application/vnd.kubernetes.protobuf,"+jsonType).want(http.StatusOK)
	for _, reply := range []reply{metadata, discovery} {
		if got := reply.header.Get("Content-Type"); !strings.HasPrefix(got, "application/vnd.kubernetes.protobuf") {
			t.Errorf("what has protobuf is %s", got)
		}
	}
	client.do(http.MethodGet, "/apis", nil, "Accept: application/*").want(http.StatusOK)
	for method, path := range map[string]string{http.MethodPost: sessionsPath, http.MethodPut: sessionsPath + "/a"} {
		client.do(method, path, "k8s\x00", "Content-Type: application/vnd.kubernetes.protobuf").want(http.StatusUnsupportedMediaType)
	}
}

func TestInvalidResourceVersions(t *testing.T) {
	t.Parallel()
	client := newRawClient(t, testserver.Start(t))
	client.do(http.MethodPost, sessionsPath, newSession("a")).want(http.StatusCreated)
	for _, version := range []string{"abc", "-1", "1.5", "99999999999999999999999"} {
		for _, path := range []string{
			sessionsPath + "?watch=true&", sessionsPath + "/a?watch=true&", "/apis/tilt.dev/v1alpha1/watch/sessions?",
			sessionsPath + "?watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&",
			sessionsPath + "?", sessionsPath + "/a?", sessionsPath + "/a/status?",
		} {
			var status metav1.Status
			client.do(http.MethodGet, path+"resourceVersion="+version, nil).want(http.StatusBadRequest, &status)
			if status.Kind != "Status" || status.Reason != metav1.StatusReasonBadRequest || !strings.Contains(status.Message, version) {
				t.Errorf("%s: %+v", path, status)
			}
		}
	}
}
