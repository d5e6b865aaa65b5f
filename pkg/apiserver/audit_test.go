// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/apiserver"
	testserver "tilt.dev/session/pkg/testing/server"
)

// The audit log records the user of a write, and its annotations what the write has changed.
func TestAudit(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	path := filepath.Join(directory, "logs", "audit.log")
	policy := replaceFile(t, filepath.Join(directory, "policy.yaml"), []byte(`{"apiVersion":"audit.k8s.io/v1","kind":"Policy","omitStages":["RequestReceived"],"rules":[
		{"level":"Metadata","verbs":["create","update","patch","delete"],"resources":[{"group":"tilt.dev"}]}]}`))
	server := testserver.Start(t, testserver.Configure{Options: func(o *apiserver.Options) {
		o.Audit.PolicyFile, o.Audit.LogOptions.Path = policy, path
	}})
	client := newRawClient(t, server)

	const session, status = sessionsPath + "/a", sessionsPath + "/a/status"
	patch := func(path, content string) { client.do(http.MethodPatch, path, content, mergePatch).want(http.StatusOK) }
	client.do(http.MethodPost, sessionsPath, newSession("a")).want(http.StatusCreated)
	client.do(http.MethodGet, session, nil).want(http.StatusOK)
	var stored v1alpha1.Session
	client.do(http.MethodGet, session, nil).want(http.StatusOK, &stored)
	client.do(http.MethodPut, session, stored).want(http.StatusOK)
	patch(session, `{"metadata":{"finalizers":["tilt.dev/x"]}}`)
	patch(session, `{"spec":{"exitCondition":"manual"}}`)
	client.do(http.MethodPost, session+"/args", `{"spec":{"args":["web"]}}`).want(http.StatusCreated)
	patch(status, `{"status":{"pid":5}}`)
	patch(status, `{"status":{"pid":5}}`)
	patch(status+"?dryRun=All", `{"status":{"done":true}}`)
	patch(status, `{"status":{"pid":0,"done":true,"error":"exit 1"}}`)
	patch(session, `{"spec":{"exitCondition":"ci"},"status":{"pid":8}}`)
	client.do(http.MethodPatch, session, `{"spec":{"exitCondition":"never"}}`, mergePatch).want(http.StatusUnprocessableEntity)
	client.do(http.MethodDelete, session, nil).want(http.StatusOK)
	patch(session, `{"metadata":{"finalizers":null}}`)
	client.do(http.MethodPatch, session+"?fieldManager=m",
		`{"apiVersion":"tilt.dev/v1alpha1","kind":"Session","metadata":{"name":"a"},"spec":{"tiltfilePath":"/t","exitCondition":"ci"}}`,
		applyPatch).want(http.StatusCreated)
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}

	want := []string{
		"create 201 map[]",
		"update 200 map[unchanged:true]",
		"patch 200 map[]",
		"patch 200 map[generation:2]",
		"create args 201 map[generation:3]",
		"patch status 200 map[state:Pending -> Running]",
		"patch status 200 map[unchanged:true]",
		"patch status 200 map[]",
		"patch status 200 map[state:Running -> Failed]",
		"patch 200 map[generation:4]",
		"patch 422 map[]",
		"delete 200 map[]",
		"patch 200 map[deleted:true]",
		"patch 201 map[]",
	}
	if diff := cmp.Diff(want, recorded(t, path, client.token)); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
}

// recorded returns the events of an audit log: verb, subresource, code and our
// annotations. None may contain the token.
func recorded(t *testing.T, path, token string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte(token)) {
		t.Error("the token is in the audit log")
	}
	var events []string
	for line := range strings.Lines(string(text)) {
		var event auditv1.Event
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if event.User.Username != "tilt-session" || event.ObjectRef == nil || event.ResponseStatus == nil {
			t.Errorf("incomplete: %s", line)
			continue
		}
		annotations := map[string]string{}
		for key, value := range event.Annotations {
			if name, ours := strings.CutPrefix(key, "session.tilt.dev/"); ours {
				annotations[name] = value
			}
		}
		verb := strings.TrimSpace(event.Verb + " " + event.ObjectRef.Subresource)
		events = append(events, fmt.Sprintf("%s %d %v", verb, event.ResponseStatus.Code, annotations))
	}
	return events
}
