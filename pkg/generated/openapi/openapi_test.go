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
		"SessionRunner":         {"name", "uid", "claimTime", "leaseDurationSeconds"},
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
		"TargetTimes":           nil,

		"Runner":       {"spec"},
		"RunnerList":   {"items"},
		"RunnerSpec":   {"capacity", "leaseDurationSeconds"},
		"RunnerStatus": nil,

		"ConfigMapDisableSource": {"name", "key"},
		"DisableResourceStatus":  {"enabledCount", "disabledCount", "state"},
		"DisableSource":          nil,

		"UIBoolInputSpec":     nil,
		"UIBoolInputStatus":   {"value"},
		"UIButton":            nil,
		"UIButtonList":        {"items"},
		"UIButtonSpec":        {"location", "text"},
		"UIButtonStatus":      nil,
		"UIChoiceInputSpec":   nil,
		"UIChoiceInputStatus": {"value"},
		"UIComponentLocation": {"componentID", "componentType"},
		"UIHiddenInputSpec":   {"value"},
		"UIHiddenInputStatus": {"value"},
		"UIInputSpec":         {"name"},
		"UIInputStatus":       {"name"},
		"UITextInputSpec":     nil,
		"UITextInputStatus":   {"value"},

		"UIBuildCause":                nil,
		"UIBuildRunning":              nil,
		"UIBuildTerminated":           nil,
		"UIResource":                  nil,
		"UIResourceCompose":           nil,
		"UIResourceCondition":         {"type", "status"},
		"UIResourceKubernetes":        nil,
		"UIResourceLink":              nil,
		"UIResourceList":              {"items"},
		"UIResourceLocal":             nil,
		"UIResourceSpec":              nil,
		"UIResourceStateWaiting":      {"reason"},
		"UIResourceStateWaitingOnRef": {"name"},
		"UIResourceStatus":            {"disableStatus"},
		"UIResourceTargetSpec":        nil,
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
		"DisableResourceStatus.state":       {"Disabled", "Enabled", "Pending"},
		"SessionLogLine.level":              {"error", "info", "warn"},
		"SessionLogOptions.level":           {"error", "info", "warn"},
		"SessionSpec.exitCondition":         {"ci", "manual"},
		"Target.type":                       {"job", "server"},
		"TargetStateTerminated.graceStatus": {"", "Exceeded", "Tolerated"},
		"UIResourceStatus.runtimeStatus":    {"error", "none", "not_applicable", "ok", "pending", "unknown"},
		"UIResourceStatus.updateStatus":     {"error", "in_progress", "none", "not_applicable", "ok", "pending"},
		"UIResourceTargetSpec.type":         {"docker-compose", "image", "k8s", "local", "unspecified"},
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
	conditions := spec.Extensions{
		"x-kubernetes-list-type":       "map",
		"x-kubernetes-list-map-keys":   []any{"type"},
		"x-kubernetes-patch-strategy":  "merge",
		"x-kubernetes-patch-merge-key": "type",
	}
	want := map[string]spec.Extensions{
		"SessionStatus.conditions":    conditions,
		"UIResourceStatus.conditions": conditions,
	}
	for _, atomic := range []string{
		"SessionArgsSpec.args", "SessionDisableSpec.labels", "SessionDisableSpec.resources", "SessionDisableStatus.resources",
		"SessionEnableSpec.labels", "SessionEnableSpec.resources", "SessionEnableStatus.resources",
		"SessionLogOptions.resources", "SessionSpec.args", "SessionStatus.targets", "SessionTriggerSpec.resources",
		"SessionTriggerStatus.resources", "Target.resources", "TargetStateWaiting.on",
		"DisableResourceStatus.sources", "DisableSource.everyConfigMap",
		"UIBuildCause.changedFiles", "UIBuildRunning.changedFiles", "UIBuildTerminated.changedFiles", "UIBuildTerminated.warnings",
		"UIButtonSpec.inputs", "UIButtonStatus.inputs", "UIChoiceInputSpec.choices",
		"UIResourceKubernetes.displayNames", "UIResourceStateWaiting.on", "UIResourceStatus.buildHistory",
		"UIResourceStatus.dependencies", "UIResourceStatus.endpointLinks", "UIResourceStatus.specs",
	} {
		want[atomic] = spec.Extensions{"x-kubernetes-list-type": "atomic"}
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
