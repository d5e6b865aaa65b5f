// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// request is a POST to a subresource.
type request struct {
	kind string
	// spec is a valid one, empty an invalid one with the error mistake.
	spec, empty, mistake string
	// code is the response to a valid one if no run of the Session exists.
	code int
}

var requests = map[string]request{
	"trigger": {"SessionTrigger", `{"resources":["a"]}`, `{"resources":[]}`, "spec.resources: Required value", http.StatusConflict},
	"enable":  {"SessionEnable", `{"labels":["a"],"only":true}`, `{"only":true}`, "spec: Required value", http.StatusConflict},
	"disable": {"SessionDisable", `{"all":true}`, `{}`, "spec: Required value", http.StatusConflict},
	"args":    {"SessionArgs", `{"args":[]}`, `{}`, "spec.args: Required value", http.StatusCreated},
}

func (r request) body(name, spec string) string {
	return `{"apiVersion":"tilt.dev/v1alpha1","kind":"` + r.kind + `","metadata":{"name":"` + name + `"},"spec":` + spec + `}`
}

// checkRequests checks the subresources for requests to a run, of Sessions that the server doesn't run.
func checkRequests(t *testing.T, s *server) {
	for subresource, request := range requests {
		t.Run(request.kind, func(t *testing.T) { t.Parallel(); checkRequest(t, s, subresource, request) })
	}
	t.Run("Log", func(t *testing.T) { t.Parallel(); checkLog(t, s) })
	t.Run("Operations", func(t *testing.T) { t.Parallel(); checkRequestOperations(t, s) })
	t.Run("Credentials", func(t *testing.T) {
		t.Parallel()
		stranger := anonymous(t, s)
		for _, subresource := range append(slices.Collect(maps.Keys(requests)), "log") {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				if code := stranger.do(t, method, path("a")+"/"+subresource, "{}").StatusCode; code != http.StatusUnauthorized && code != http.StatusForbidden {
					t.Errorf("%s %s of a stranger: %d", method, subresource, code)
				}
				s.do(t, method, path("a")+"/"+subresource, "{}", "Impersonate-User: other-"+unique(t)).
					failure(http.StatusForbidden, metav1.StatusReasonForbidden)
			}
		}
	})
}

func checkRequest(t *testing.T, s *server, subresource string, request request) {
	session := s.create(t)
	name, at := session.Name, path(session.Name)+"/"+subresource
	good := request.body(name, request.spec)
	for _, query := range []string{"", "?dryRun=All"} {
		answer := s.do(t, http.MethodPost, at+query, good).want(request.code)
		if request.code == http.StatusConflict {
			answer.failure(http.StatusConflict, metav1.StatusReasonConflict)
		}
		refused := s.do(t, http.MethodPost, at+query, request.body(name, request.empty)).failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
		if !strings.Contains(refused.Message, request.mistake) || len(refused.Details.Causes) != 1 {
			t.Errorf("refused with %+v", refused)
		}
	}
	s.do(t, http.MethodPost, at, strings.Replace(good, "tilt.dev/v1alpha1", "tilt.dev/v1", 1)).want(http.StatusBadRequest)
	s.do(t, http.MethodPost, at, newSession(name)).want(http.StatusBadRequest)
	s.do(t, http.MethodPost, at, "{").failure(http.StatusBadRequest, metav1.StatusReasonBadRequest)
	s.do(t, http.MethodPost, at, request.body("another", request.spec)).failure(http.StatusBadRequest, metav1.StatusReasonBadRequest)
	s.do(t, http.MethodPost, at+"?dryRun=Some", good).failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
	missing := unique(t)
	s.do(t, http.MethodPost, path(missing)+"/"+subresource, request.body(missing, request.spec)).failure(http.StatusNotFound, metav1.StatusReasonNotFound)

	unknown := strings.TrimSuffix(good, "}") + `,"unknown":1}`
	s.do(t, http.MethodPost, at+"?fieldValidation=Strict", unknown).failure(http.StatusBadRequest, metav1.StatusReasonBadRequest)
	for mode, want := range map[string]string{"": `299 - "unknown field \"unknown\""`, "?fieldValidation=Ignore": ""} {
		if got := s.do(t, http.MethodPost, at+mode, unknown).want(request.code).Header.Get("Warning"); got != want {
			t.Errorf("%s: warning = %q", mode, got)
		}
	}
	for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodDelete} {
		s.do(t, method, at, good).failure(http.StatusMethodNotAllowed, metav1.StatusReasonMethodNotAllowed)
	}
	s.quiet(t, session)
}

func checkLog(t *testing.T, s *server) {
	at := path(s.create(t).Name) + "/log"
	for query, answer := range map[string]struct {
		code   int
		reason metav1.StatusReason
	}{
		"":                             {http.StatusConflict, metav1.StatusReasonConflict},
		"?follow=true&resources=a":     {http.StatusConflict, metav1.StatusReasonConflict},
		"?tailLines=many":              {http.StatusBadRequest, metav1.StatusReasonBadRequest},
		"?sinceTime=yesterday":         {http.StatusBadRequest, metav1.StatusReasonBadRequest},
		"?limitBytes=0":                {http.StatusUnprocessableEntity, metav1.StatusReasonInvalid},
		"?sinceSeq=0&limitLines=1":     {http.StatusConflict, metav1.StatusReasonConflict},
		"?grep=%28":                    {http.StatusUnprocessableEntity, metav1.StatusReasonInvalid},
		"?level=debug":                 {http.StatusUnprocessableEntity, metav1.StatusReasonInvalid},
		"?beforeSeq=9&follow=true":     {http.StatusUnprocessableEntity, metav1.StatusReasonInvalid},
		"?beforeSeq=x":                 {http.StatusBadRequest, metav1.StatusReasonBadRequest},
		"?format=yaml&sinceSeconds=-1": {http.StatusUnprocessableEntity, metav1.StatusReasonInvalid},
	} {
		for _, accept := range []string{"*/*", "text/plain", "application/json"} {
			s.get(t, at+query, "Accept: "+accept).failure(answer.code, answer.reason)
		}
	}
	s.get(t, path(unique(t))+"/log").failure(http.StatusNotFound, metav1.StatusReasonNotFound)
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		s.do(t, method, at, "{}").failure(http.StatusMethodNotAllowed, metav1.StatusReasonMethodNotAllowed)
	}
}

// checkRequestOperations: the OpenAPI documents describe these subresources.
func checkRequestOperations(t *testing.T, s *server) {
	for version, document := range map[string]map[string]any{"v2": s.documentV2(t), "v3": s.documentV3(t)} {
		for subresource, request := range requests {
			operation, _, _ := unstructured.NestedMap(document, "paths", path("{name}")+"/"+subresource, "post")
			kind, _, _ := unstructured.NestedString(operation, "x-kubernetes-group-version-kind", "kind")
			answers, _, _ := unstructured.NestedMap(operation, "responses")
			if kind != request.kind || operation["description"] == "" || len(answers) != 1 || answers["201"] == nil {
				t.Errorf("%s: %s = %v", version, subresource, operation)
			}
		}
		if _, found, _ := unstructured.NestedMap(document, "paths", path("{name}")+"/args", "get"); !found {
			t.Errorf("%s: the arguments can't be read", version)
		}
		log, _, _ := unstructured.NestedMap(document, "paths", path("{name}")+"/log", "get")
		media, _, _ := unstructured.NestedStringSlice(log, "produces")
		content, _, _ := unstructured.NestedMap(log, "responses", "200", "content")
		media = slices.AppendSeq(media, maps.Keys(content))
		slices.Sort(media)
		if !slices.Equal(media, []string{"application/x-ndjson", "text/plain"}) {
			t.Errorf("%s: a log is written in %v", version, media)
		}
	}
	checkLogParameters(t, s.documentV3(t))
}

func checkLogParameters(t *testing.T, document map[string]any) {
	want := map[string]string{
		"beforeSeq": "integer", "follow": "boolean", "format": "string", "grep": "string", "level": "string",
		"limitBytes": "integer", "limitLines": "integer", "resources": "string", "sinceSeq": "integer", "sinceSeconds": "integer", "sinceTime": "string", "tailLines": "integer", "timestamps": "boolean",
	}
	parameters, _, _ := unstructured.NestedSlice(document, "paths", path("{name}")+"/log", "parameters")
	for _, parameter := range parameters {
		parameter := parameter.(map[string]any)
		name, _ := parameter["name"].(string)
		kind, _, _ := unstructured.NestedString(parameter, "schema", "type")
		if text, _ := parameter["description"].(string); parameter["in"] == "query" && (kind != want[name] || text == "") {
			t.Errorf("parameter %v", parameter)
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("parameters that aren't described: %v", want)
	}
}
