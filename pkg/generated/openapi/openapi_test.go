// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package openapi_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/validation/spec"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/generated/openapi"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

const prefix = "dev.tilt.session.pkg.apis.core.v1alpha1."

// ours returns the schemas of the types of this project by their Go name.
func ours(t *testing.T) map[string]spec.Schema {
	t.Helper()
	schemas := map[string]spec.Schema{}
	for name, definition := range definitions() {
		if short, found := strings.CutPrefix(name, prefix); found {
			schemas[short] = definition.Schema
		}
	}
	if len(schemas) == 0 {
		t.Fatalf("no definition is called %s*", prefix)
	}
	return schemas
}

func definitions() map[string]common.OpenAPIDefinition {
	return openapi.GetOpenAPIDefinitions(func(name string) spec.Ref {
		return spec.MustCreateRef("#/definitions/" + name)
	})
}

func TestRequiredFields(t *testing.T) {
	want := map[string][]string{
		"Session":               nil,
		"SessionArgs":           {"spec"},
		"SessionArgsSpec":       {"args"},
		"SessionArgsStatus":     {"changed"},
		"SessionCISpec":         nil,
		"SessionDisable":        {"spec"},
		"SessionDisableSpec":    nil,
		"SessionDisableStatus":  {"resources"},
		"SessionEnable":         {"spec"},
		"SessionEnableSpec":     nil,
		"SessionEnableStatus":   {"resources"},
		"SessionList":           {"items"},
		"SessionLogLine":        {"seq", "time", "resource", "level", "text"},
		"SessionLogOptions":     nil,
		"SessionSpec":           {"tiltfilePath", "exitCondition"},
		"SessionStatus":         {"pid", "startTime", "targets", "done"},
		"SessionTrigger":        {"spec"},
		"SessionTriggerSpec":    {"resources"},
		"SessionTriggerStatus":  {"resources"},
		"Target":                {"name", "type", "resources", "state"},
		"TargetState":           nil,
		"TargetStateActive":     {"startTime", "ready"},
		"TargetStateDisabled":   nil,
		"TargetStateTerminated": {"startTime", "finishTime"},
		"TargetStateWaiting":    {"waitReason"},
	}
	got := map[string][]string{}
	for name, schema := range ours(t) {
		got[name] = schema.Required
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEverythingIsDescribed(t *testing.T) {
	for name, schema := range ours(t) {
		if schema.Description == "" {
			t.Errorf("%s has no description", name)
		}
		for property, schema := range schema.Properties {
			if schema.Description == "" {
				t.Errorf("%s.%s has no description", name, property)
			}
		}
	}
}

func TestEnumValues(t *testing.T) {
	want := map[string][]any{
		"SessionLogLine.level":              {"error", "info", "warn"},
		"SessionSpec.exitCondition":         {"ci", "manual"},
		"Target.type":                       {"job", "server"},
		"TargetStateTerminated.graceStatus": {"", "Exceeded", "Tolerated"},
	}
	got := map[string][]any{}
	for name, schema := range ours(t) {
		for property, schema := range schema.Properties {
			if len(schema.Enum) > 0 {
				got[name+"."+property] = schema.Enum
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestListTypes(t *testing.T) {
	want := map[string]spec.Extensions{
		"SessionStatus.targets": {"x-kubernetes-list-type": "atomic"},
		"SessionSpec.args":      {"x-kubernetes-list-type": "atomic"},
		"SessionStatus.conditions": {
			"x-kubernetes-list-type":       "map",
			"x-kubernetes-list-map-keys":   []any{"type"},
			"x-kubernetes-patch-strategy":  "merge",
			"x-kubernetes-patch-merge-key": "type",
		},
		"SessionArgsSpec.args":           {"x-kubernetes-list-type": "atomic"},
		"SessionDisableSpec.labels":      {"x-kubernetes-list-type": "atomic"},
		"SessionDisableSpec.resources":   {"x-kubernetes-list-type": "atomic"},
		"SessionDisableStatus.resources": {"x-kubernetes-list-type": "atomic"},
		"SessionEnableSpec.labels":       {"x-kubernetes-list-type": "atomic"},
		"SessionEnableSpec.resources":    {"x-kubernetes-list-type": "atomic"},
		"SessionEnableStatus.resources":  {"x-kubernetes-list-type": "atomic"},
		"SessionLogOptions.resources":    {"x-kubernetes-list-type": "atomic"},
		"SessionTriggerSpec.resources":   {"x-kubernetes-list-type": "atomic"},
		"SessionTriggerStatus.resources": {"x-kubernetes-list-type": "atomic"},
		"Target.resources":               {"x-kubernetes-list-type": "atomic"},
	}
	got := map[string]spec.Extensions{}
	for name, schema := range ours(t) {
		for property, schema := range schema.Properties {
			if len(schema.Extensions) > 0 {
				got[name+"."+property] = schema.Extensions
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Whoever names a definition by its kind must find it by that name.
func TestSchemeAndDefinitionsAgreeOnNames(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"Session", "SessionList", "SessionTrigger", "SessionEnable", "SessionDisable", "SessionArgs"} {
		name, err := scheme.ToOpenAPIDefinitionName(v1alpha1.SchemeGroupVersion.WithKind(kind))
		if err != nil {
			t.Fatal(err)
		}
		if _, found := definitions()[name]; !found {
			t.Errorf("%s is called %s, but there is no such definition", kind, name)
		}
	}
}

func TestEveryReferenceLeadsToADefinition(t *testing.T) {
	all := definitions()
	for name, definition := range all {
		for _, dependency := range definition.Dependencies {
			if _, found := all[dependency]; !found {
				t.Errorf("%s needs %s, which isn't defined", name, dependency)
			}
		}
	}
}
