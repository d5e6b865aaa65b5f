// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// schemas has the definitions of a document by name.
type schemas map[string]any

func (s *server) schemasV2(t *testing.T) schemas {
	t.Helper()
	found, _, _ := unstructured.NestedMap(s.documentV2(t), "definitions")
	return found
}

func (s *server) schemasV3(t *testing.T) schemas {
	t.Helper()
	found, _, _ := unstructured.NestedMap(s.documentV3(t), "components", "schemas")
	return found
}

// ours returns the schema of a type of this group.
func (all schemas) ours(t *testing.T, name string) map[string]any {
	t.Helper()
	schema, ok := all[ourModels+name].(map[string]any)
	if !ok {
		t.Fatalf("%s is not described", name)
	}
	return schema
}

// properties has the properties of a type, the required ones, and the values of enums.
type properties struct {
	required, optional []string
	enums              map[string][]any
}

// typesServed has the wire contract of the types of every server.
var typesServed = map[string]properties{
	"Session":     {optional: []string{"apiVersion", "kind", "metadata", "spec", "status"}},
	"SessionList": {required: []string{"items"}, optional: []string{"apiVersion", "kind", "metadata"}},
	"SessionSpec": {
		required: []string{"exitCondition", "tiltfilePath"}, optional: []string{"args", "ci", "keepGoing", "runnerSelector", "ttlSecondsAfterFinished"},
		enums: map[string][]any{"exitCondition": {"ci", "manual"}},
	},
	"SessionCISpec": {optional: []string{"k8sGracePeriod", "readinessTimeout", "timeout"}},
	"SessionStatus": {required: []string{"done", "pid", "startTime", "targets"}, optional: []string{"ci", "conditions", "error", "runner"}},
	"Target": {required: []string{"name", "resources", "state", "type"}, optional: []string{"restartCount", "times"},
		enums: map[string][]any{"type": {"job", "server"}}},
	"TargetState": {optional: []string{"active", "disabled", "terminated", "waiting"}},
	"TargetStateWaiting": {
		required: []string{"waitReason"}, optional: []string{"on", "since"},
	},
	"TargetTimes":       {optional: []string{"allowedTime", "finishTime", "queuedTime", "readyTime", "startTime"}},
	"TargetStateActive": {required: []string{"ready", "startTime"}, optional: []string{"lastReadyTime"}},
	"TargetStateTerminated": {
		required: []string{"finishTime", "startTime"}, optional: []string{"error", "exitCode", "graceStatus", "signal"},
		enums: map[string][]any{"graceStatus": {"", "Exceeded", "Tolerated"}},
	},
	"TargetStateDisabled": {},

	"SessionTrigger":       requestServed,
	"SessionTriggerSpec":   {required: []string{"resources"}},
	"SessionTriggerStatus": {required: []string{"resources"}},
	"SessionEnable":        requestServed,
	"SessionEnableSpec":    {optional: []string{"all", "labels", "only", "resources"}},
	"SessionEnableStatus":  {required: []string{"resources"}},
	"SessionDisable":       requestServed,
	"SessionDisableSpec":   {optional: []string{"all", "labels", "resources"}},
	"SessionDisableStatus": {required: []string{"resources"}},
	"SessionArgs":          requestServed,
	"SessionArgsSpec":      {required: []string{"args"}},
	"SessionArgsStatus":    {required: []string{"changed"}},
	"SessionRunner":        {required: []string{"claimTime", "leaseDurationSeconds", "name", "uid"}},
	"SessionLogLine": {
		required: []string{"level", "resource", "seq", "text", "time"}, optional: []string{"continues", "missed", "own", "unfinished"},
		enums: map[string][]any{"level": {"error", "info", "warn"}},
	},
}

// requestServed has the properties of all requests to subresources.
var requestServed = properties{required: []string{"spec"}, optional: []string{"apiVersion", "kind", "metadata", "status"}}

// typesServed has the wire contract of each type of a server.
func (s *server) typesServed() map[string]properties {
	types := maps.Clone(typesServed)
	if s.UI {
		maps.Copy(types, uiTypes)
	}
	if s.Runners {
		maps.Copy(types, runnerTypes)
	}
	return types
}

func checkSchemas(t *testing.T, all schemas, types map[string]properties) {
	for name := range all {
		if ours, ok := strings.CutPrefix(name, ourModels); ok {
			if _, known := types[ours]; !known {
				t.Errorf("%s isn't a type of this API", ours)
			}
		}
	}
	for name, want := range types {
		checkType(t, name, all.ours(t, name), want)
	}
	checkKinds(t, all)
	checkLists(t, all)
	formats := map[string]string{"pid": "int64", "exitCode": "int32", "ttlSecondsAfterFinished": "int32"}
	for property, format := range formats {
		for _, owner := range []string{"SessionSpec", "SessionStatus", "TargetStateTerminated"} {
			if got, found, _ := unstructured.NestedString(all.ours(t, owner), "properties", property, "format"); found && got != format {
				t.Errorf("%s.%s has the format %q", owner, property, got)
			}
		}
	}
}

func checkType(t *testing.T, name string, schema map[string]any, want properties) {
	if schema["type"] != "object" || schema["description"] == "" {
		t.Errorf("%s = %v", name, schema)
	}
	required, _, _ := unstructured.NestedStringSlice(schema, "required")
	slices.Sort(required)
	if !slices.Equal(required, want.required) {
		t.Errorf("%s requires %v", name, required)
	}
	described, _, _ := unstructured.NestedMap(schema, "properties")
	declared := slices.Sorted(maps.Keys(described))
	if all := slices.Sorted(slices.Values(slices.Concat(want.required, want.optional))); !slices.Equal(declared, all) {
		t.Errorf("%s has %v instead of %v", name, declared, all)
	}
	for property, value := range described {
		value := value.(map[string]any)
		if text, _ := value["description"].(string); len(text) < 10 {
			t.Errorf("%s.%s is described by %q", name, property, text)
		}
		enum, _ := value["enum"].([]any)
		if diff := cmp.Diff(want.enums[property], enum); diff != "" {
			t.Errorf("values of %s.%s (-want +got):\n%s", name, property, diff)
		}
	}
}

func checkKinds(t *testing.T, all schemas) {
	for _, kind := range []string{"Session", "SessionList", "SessionTrigger", "SessionEnable", "SessionDisable", "SessionArgs"} {
		want := []any{map[string]any{"group": "tilt.dev", "version": "v1alpha1", "kind": kind}}
		if diff := cmp.Diff(want, all.ours(t, kind)["x-kubernetes-group-version-kind"]); diff != "" {
			t.Errorf("kinds of %s (-want +got):\n%s", kind, diff)
		}
	}
}

func checkLists(t *testing.T, all schemas) {
	for _, list := range []struct {
		owner, property string
		want            map[string]any
	}{
		{"SessionSpec", "args", map[string]any{"x-kubernetes-list-type": "atomic"}},
		{"SessionStatus", "targets", map[string]any{"x-kubernetes-list-type": "atomic"}},
		{"Target", "resources", map[string]any{"x-kubernetes-list-type": "atomic"}},
		{"SessionStatus", "conditions", map[string]any{
			"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": []any{"type"},
			"x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "type",
		}},
	} {
		schema, _, _ := unstructured.NestedMap(all.ours(t, list.owner), "properties", list.property)
		got := map[string]any{}
		for key, value := range schema {
			if strings.HasPrefix(key, "x-kubernetes-") {
				got[key] = value
			}
		}
		if diff := cmp.Diff(list.want, got); diff != "" {
			t.Errorf("%s.%s (-want +got):\n%s", list.owner, list.property, diff)
		}
	}
}

// nothingUndeclared reads a Session with every field, and looks for fields that the schemas don't declare.
func nothingUndeclared(t *testing.T, s *server) {
	limit := metav1.Duration{Duration: 90e9}
	session := s.create(t, labelled("a", "b"), func(session *v1alpha1.Session) {
		session.Annotations = map[string]string{"c": "d"}
		session.Finalizers = []string{"tilt.dev/conformance"}
		session.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: "e", UID: "f"}}
		session.Spec.CI = &v1alpha1.SessionCISpec{Timeout: &limit, ReadinessTimeout: &limit, K8sGracePeriod: &limit}
		session.Spec.Args, session.Spec.KeepGoing, session.Spec.TTLSecondsAfterFinished = []string{"a"}, true, new(int32)
	})
	s.setStatus(t, session.Name, fullStatus())
	s.do(t, http.MethodDelete, path(session.Name), nil).want(http.StatusOK)

	all := s.schemasV3(t)
	undeclared := all.undeclared(all.ours(t, "Session"), s.get(t, path(session.Name)).want(http.StatusOK).object().Object, "")
	if len(undeclared) > 0 {
		t.Errorf("served, but not described: %v", undeclared)
	}
	list := s.get(t, sessionsPath+"?fieldSelector=metadata.name="+session.Name).want(http.StatusOK)
	if undeclared := all.undeclared(all.ours(t, "SessionList"), document(t, list), ""); len(undeclared) > 0 {
		t.Errorf("served in a list, but not described: %v", undeclared)
	}
}

// undeclared returns the paths below at that value has and schema doesn't.
func (all schemas) undeclared(schema map[string]any, value any, at string) []string {
	schema = all.resolve(schema)
	var found []string
	switch value := value.(type) {
	case map[string]any:
		declared, closed := schema["properties"].(map[string]any)
		anything, _ := schema["additionalProperties"].(map[string]any)
		for key, below := range value {
			property, ok := declared[key].(map[string]any)
			switch {
			case ok:
				found = append(found, all.undeclared(property, below, at+"."+key)...)
			case anything != nil:
				found = append(found, all.undeclared(anything, below, at+"."+key)...)
			case closed || !strings.HasSuffix(at, ".fieldsV1"):
				found = append(found, at+"."+key)
			}
		}
	case []any:
		items, _ := schema["items"].(map[string]any)
		for _, item := range value {
			found = append(found, all.undeclared(items, item, at+"[]")...)
		}
	}
	return found
}

// resolve follows a reference.
func (all schemas) resolve(schema map[string]any) map[string]any {
	if parts, ok := schema["allOf"].([]any); ok && len(parts) == 1 {
		schema, _ = parts[0].(map[string]any)
	}
	if reference, ok := schema["$ref"].(string); ok {
		schema, _ = all[strings.TrimPrefix(reference, "#/components/schemas/")].(map[string]any)
	}
	return schema
}
