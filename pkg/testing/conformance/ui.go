// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"tilt.dev/session/pkg/generated/clientset/versioned"
	"tilt.dev/session/pkg/generated/informers/externalversions"
)

// uiVerbs are what users can do with UIResources and UIButtons.
var uiVerbs = []string{"get", "list", "watch"}

// uiResources are how the two are discovered, sorted.
var uiResources = []metav1.APIResource{
	{Name: "uibuttons", SingularName: "uibutton", Kind: "UIButton", Verbs: uiVerbs, Categories: []string{"tilt"}},
	{Name: "uibuttons/status", Kind: "UIButton", Verbs: statusVerbs},
	{Name: "uiresources", SingularName: "uiresource", Kind: "UIResource", Verbs: uiVerbs, Categories: []string{"tilt"}},
}

// checkUI checks what is served of UIResources and UIButtons while nothing runs.
func checkUI(t *testing.T, s *server) {
	for _, kind := range []struct {
		path, list string
		columns    []string
	}{
		{versionPath + "/uiresources", "UIResourceList", []string{"Name", "Update", "Runtime", "Last Deploy", "Waiting For", "Age"}},
		{versionPath + "/uibuttons", "UIButtonList", []string{"Name", "Text", "Location", "Last Clicked", "Age"}},
	} {
		t.Run(kind.list, func(t *testing.T) {
			t.Parallel()
			if !s.UI {
				s.get(t, kind.path).failure(http.StatusNotFound, metav1.StatusReasonNotFound)
				return
			}
			t.Run("Read", func(t *testing.T) { t.Parallel(); uiRead(t, s, kind.path, kind.list, kind.columns) })
			t.Run("Refused", func(t *testing.T) { t.Parallel(); uiRefused(t, s, kind.path) })
			t.Run("Watch", func(t *testing.T) { t.Parallel(); uiWatch(t, s, kind.path) })
		})
	}
	if s.UI {
		t.Run("Informers", func(t *testing.T) { t.Parallel(); uiInformers(t, s) })
	}
}

func uiRead(t *testing.T, s *server, at, kind string, columns []string) {
	list := document(t, s.get(t, at).want(http.StatusOK))
	metadata, _ := list["metadata"].(map[string]any)
	if items, ok := list["items"].([]any); list["kind"] != kind || !ok || len(items) != 0 || metadata["resourceVersion"] == "" {
		t.Errorf("list = %v", list)
	}
	var got []string
	for _, column := range s.table(t, at).ColumnDefinitions {
		if column.Priority == 0 {
			got = append(got, column.Name)
		}
	}
	if diff := cmp.Diff(columns, got); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	s.get(t, at+"/none").failure(http.StatusNotFound, metav1.StatusReasonNotFound)
	s.get(t, at+"/%28Tiltfile%29").failure(http.StatusNotFound, metav1.StatusReasonNotFound)
	s.get(t, at+"?fieldSelector=metadata.name=a&labelSelector=session.tilt.dev/session=b").want(http.StatusOK)
	s.get(t, at+"?fieldSelector=spec.none=a").failure(http.StatusBadRequest, metav1.StatusReasonBadRequest)
	s.get(t, at+"?resourceVersion=1&resourceVersionMatch=Exact").failure(http.StatusGone, metav1.StatusReasonExpired)
}

func uiRefused(t *testing.T, s *server, at string) {
	for _, refused := range []struct{ method, path string }{
		{http.MethodPost, at}, {http.MethodDelete, at}, {http.MethodPut, at + "/a"},
		{http.MethodPatch, at + "/a"}, {http.MethodDelete, at + "/a"},
	} {
		s.do(t, refused.method, refused.path, newSession("a")).
			failure(http.StatusMethodNotAllowed, metav1.StatusReasonMethodNotAllowed)
	}
	button := map[string]any{"apiVersion": "tilt.dev/v1alpha1", "kind": "UIButton", "metadata": map[string]any{"name": "a"},
		"spec": map[string]any{"text": "a", "location": map[string]any{"componentID": "a", "componentType": "Resource"}}}
	s.do(t, http.MethodPut, versionPath+"/uibuttons/a/status", button).failure(http.StatusNotFound, metav1.StatusReasonNotFound)
	s.do(t, http.MethodPut, versionPath+"/uiresources/a/status", button).want(http.StatusNotFound)
}

// uiWatch looks for the end of the first state, and for the error of a version that isn't of this storage.
func uiWatch(t *testing.T, s *server, at string) {
	events := s.watchAt(t, at+"?watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan")
	end := events.next(t)
	if end.Type != "BOOKMARK" || end.object(t).GetAnnotations()[metav1.InitialEventsAnnotationKey] != "true" {
		t.Errorf("event %s %s", end.Type, end.Object)
	}
	expired := s.watchAt(t, at+"?watch=true&resourceVersion=1").next(t)
	var status metav1.Status
	if err := json.Unmarshal(expired.Object, &status); err != nil || expired.Type != "ERROR" || status.Code != http.StatusGone {
		t.Errorf("event %s %s (%v)", expired.Type, expired.Object, err)
	}
}

func uiInformers(t *testing.T, s *server) {
	clientset, err := versioned.NewForConfigAndClient(s.Config, s.http)
	if err != nil {
		t.Fatal(err)
	}
	factory := externalversions.NewSharedInformerFactory(clientset, 0)
	kinds := factory.Tilt().V1alpha1()
	synced := []cache.InformerSynced{kinds.UIResources().Informer().HasSynced, kinds.UIButtons().Informer().HasSynced}
	factory.Start(t.Context().Done())
	if !cache.WaitForCacheSync(t.Context().Done(), synced...) {
		t.Error("the informers don't sync")
	}
}

// uiTypes has the wire contract of the types of UIResources and UIButtons.
var uiTypes = map[string]properties{
	"ConfigMapDisableSource":      {required: []string{"key", "name"}},
	"DisableResourceStatus":       {required: []string{"disabledCount", "enabledCount", "state"}, optional: []string{"sources"}, enums: map[string][]any{"state": {"Disabled", "Enabled", "Pending"}}},
	"DisableSource":               {optional: []string{"configMap", "everyConfigMap"}},
	"UIBoolInputSpec":             {optional: []string{"defaultValue", "falseString", "trueString"}},
	"UIBoolInputStatus":           {required: []string{"value"}},
	"UIBuildRunning":              {optional: []string{"allowedTime", "attempt", "changedFileCount", "changedFiles", "endLine", "firstLine", "liveUpdate", "queuedTime", "reason", "spanID", "startTime"}},
	"UIBuildTerminated":           {optional: []string{"allowedTime", "attempt", "changedFileCount", "changedFiles", "endLine", "error", "exitCode", "finishTime", "firstLine", "isCrashRebuild", "liveUpdate", "queuedTime", "readyTime", "reason", "signal", "spanID", "startTime", "warnings"}},
	"UIButton":                    {optional: []string{"apiVersion", "kind", "metadata", "spec", "status"}},
	"UIButtonList":                {required: []string{"items"}, optional: []string{"apiVersion", "kind", "metadata"}},
	"UIButtonSpec":                {required: []string{"location", "text"}, optional: []string{"disabled", "iconName", "iconSVG", "inputs", "requiresConfirmation"}},
	"UIButtonStatus":              {optional: []string{"inputs", "lastClickedAt"}},
	"UIChoiceInputSpec":           {optional: []string{"choices"}},
	"UIChoiceInputStatus":         {required: []string{"value"}},
	"UIComponentLocation":         {required: []string{"componentID", "componentType"}},
	"UIHiddenInputSpec":           {required: []string{"value"}},
	"UIHiddenInputStatus":         {required: []string{"value"}},
	"UIInputSpec":                 {required: []string{"name"}, optional: []string{"bool", "choice", "hidden", "label", "text"}},
	"UIInputStatus":               {required: []string{"name"}, optional: []string{"bool", "choice", "hidden", "text"}},
	"UIResource":                  {optional: []string{"apiVersion", "kind", "metadata", "spec", "status"}},
	"UIResourceCompose":           {optional: []string{"healthStatus"}},
	"UIResourceCondition":         {required: []string{"status", "type"}, optional: []string{"lastTransitionTime", "message", "reason"}},
	"UIResourceKubernetes":        {optional: []string{"allContainersReady", "displayNames", "podCreationTime", "podName", "podRestarts", "podStatus", "podStatusMessage", "podUpdateStartTime", "spanID"}},
	"UIResourceLink":              {optional: []string{"name", "url"}},
	"UIResourceList":              {required: []string{"items"}, optional: []string{"apiVersion", "kind", "metadata"}},
	"UIResourceLocal":             {optional: []string{"isTest", "pid"}},
	"UIResourceSpec":              {},
	"UIResourceStateWaiting":      {required: []string{"reason"}, optional: []string{"on", "since"}},
	"UIResourceStateWaitingOnRef": {required: []string{"name"}, optional: []string{"apiVersion", "group", "kind"}},
	"UIResourceStatus":            {required: []string{"disableStatus"}, optional: []string{"buildHistory", "composeResourceInfo", "conditions", "currentBuild", "dependencies", "endpointLinks", "hasPendingChanges", "k8sResourceInfo", "lastDeployTime", "localResourceInfo", "order", "pendingBuildSince", "position", "queued", "runtimeStatus", "serveCommand", "specs", "triggerMode", "updateCommand", "updateStatus", "waiting"}, enums: map[string][]any{"runtimeStatus": {"error", "none", "not_applicable", "ok", "pending", "unknown"}, "updateStatus": {"error", "in_progress", "none", "not_applicable", "ok", "pending"}}},
	"UIResourceTargetSpec":        {optional: []string{"hasLiveUpdate", "id", "type"}, enums: map[string][]any{"type": {"docker-compose", "image", "k8s", "local", "unspecified"}}},
	"UITextInputSpec":             {optional: []string{"defaultValue", "placeholder"}},
	"UITextInputStatus":           {required: []string{"value"}},
}

// withOthers adds Runners, UIResources and UIButtons, where they are served, to a sorted list of resources.
func (s *server) withOthers(list []metav1.APIResource) []metav1.APIResource {
	if s.Runners {
		list = slices.Concat(runnerResources, list)
	}
	if s.UI {
		list = slices.Concat(list, uiResources)
	}
	return list
}
