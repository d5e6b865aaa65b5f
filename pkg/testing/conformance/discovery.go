// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	apidiscovery "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const acceptAggregated = "Accept: application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

var (
	mainVerbs   = []string{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}
	statusVerbs = []string{"get", "patch", "update"}
)

// checkDiscovery checks how clients discover the groups, resources and verbs.
func checkDiscovery(t *testing.T, s *server) {
	version := metav1.GroupVersionForDiscovery{GroupVersion: "tilt.dev/v1alpha1", Version: "v1alpha1"}

	t.Run("Groups", func(t *testing.T) {
		t.Parallel()
		var groups metav1.APIGroupList
		s.get(t, "/apis").want(http.StatusOK).into(&groups)
		at := slices.IndexFunc(groups.Groups, func(group metav1.APIGroup) bool { return group.Name == "tilt.dev" })
		if groups.Kind != "APIGroupList" || at < 0 {
			t.Fatalf("groups = %+v", groups)
		}
		if group := groups.Groups[at]; !slices.Contains(group.Versions, version) || group.PreferredVersion != version {
			t.Errorf("group = %+v", group)
		}
	})

	t.Run("Group", func(t *testing.T) {
		t.Parallel()
		var group metav1.APIGroup
		s.get(t, groupPath).want(http.StatusOK).into(&group)
		if group.Kind != "APIGroup" || group.Name != "tilt.dev" || group.PreferredVersion != version ||
			!slices.Equal(group.Versions, []metav1.GroupVersionForDiscovery{version}) {
			t.Errorf("group = %+v", group)
		}
	})

	t.Run("Resources", func(t *testing.T) {
		t.Parallel()
		var resources metav1.APIResourceList
		s.get(t, versionPath).want(http.StatusOK).into(&resources)
		want := metav1.APIResourceList{
			TypeMeta:     metav1.TypeMeta{APIVersion: "v1", Kind: "APIResourceList"},
			GroupVersion: "tilt.dev/v1alpha1",
			APIResources: s.withOthers([]metav1.APIResource{
				{Name: "sessions", SingularName: "session", Kind: "Session", Verbs: mainVerbs, ShortNames: []string{"sess"}, Categories: []string{"tilt"}},
				{Name: "sessions/args", Kind: "SessionArgs", Verbs: metav1.Verbs{"create", "get"}},
				{Name: "sessions/disable", Kind: "SessionDisable", Verbs: metav1.Verbs{"create"}},
				{Name: "sessions/enable", Kind: "SessionEnable", Verbs: metav1.Verbs{"create"}},
				{Name: "sessions/log", Kind: "Session", Verbs: metav1.Verbs{"get"}},
				{Name: "sessions/status", Kind: "Session", Verbs: statusVerbs},
				{Name: "sessions/trigger", Kind: "SessionTrigger", Verbs: metav1.Verbs{"create"}},
			}),
		}
		for i := range resources.APIResources {
			resources.APIResources[i].StorageVersionHash = ""
		}
		if diff := cmp.Diff(want, resources); diff != "" {
			t.Errorf("resources (-want +got):\n%s", diff)
		}
	})

	t.Run("Aggregated", func(t *testing.T) {
		t.Parallel()
		answer := s.get(t, "/apis", acceptAggregated).want(http.StatusOK)
		var groups apidiscovery.APIGroupDiscoveryList
		answer.into(&groups)
		at := slices.IndexFunc(groups.Items, func(group apidiscovery.APIGroupDiscovery) bool { return group.Name == "tilt.dev" })
		if at < 0 || len(groups.Items[at].Versions) != 1 {
			t.Fatalf("groups = %+v", groups)
		}
		served := groups.Items[at].Versions[0].Resources
		sessions := slices.IndexFunc(served, func(r apidiscovery.APIResourceDiscovery) bool { return r.Resource == "sessions" })
		if sessions < 0 {
			t.Fatalf("resources = %+v", served)
		}
		kind := served[sessions].ResponseKind
		requestKind := func(name string) *metav1.GroupVersionKind {
			return &metav1.GroupVersionKind{Group: kind.Group, Version: kind.Version, Kind: name}
		}
		want := apidiscovery.APIVersionDiscovery{
			Version:   "v1alpha1",
			Freshness: apidiscovery.DiscoveryFreshnessCurrent,
			Resources: []apidiscovery.APIResourceDiscovery{{
				Resource: "sessions", SingularResource: "session", Scope: apidiscovery.ScopeCluster, ResponseKind: kind,
				Verbs: mainVerbs, ShortNames: []string{"sess"}, Categories: []string{"tilt"},
				Subresources: []apidiscovery.APISubresourceDiscovery{
					{Subresource: "args", ResponseKind: requestKind("SessionArgs"), Verbs: []string{"create", "get"}},
					{Subresource: "disable", ResponseKind: requestKind("SessionDisable"), Verbs: []string{"create"}},
					{Subresource: "enable", ResponseKind: requestKind("SessionEnable"), Verbs: []string{"create"}},
					{Subresource: "log", ResponseKind: kind, Verbs: []string{"get"}},
					{Subresource: "status", ResponseKind: kind, Verbs: statusVerbs},
					{Subresource: "trigger", ResponseKind: requestKind("SessionTrigger"), Verbs: []string{"create"}},
				},
			}},
		}
		if s.Runners {
			want.Resources = slices.Insert(want.Resources, 0, apidiscovery.APIResourceDiscovery{
				Resource: "runners", SingularResource: "runner", Scope: apidiscovery.ScopeCluster, ResponseKind: requestKind("Runner"),
				Verbs: mainVerbs, Categories: []string{"tilt"}, Subresources: []apidiscovery.APISubresourceDiscovery{
					{Subresource: "status", ResponseKind: requestKind("Runner"), Verbs: statusVerbs},
				},
			})
		}
		if s.UI {
			want.Resources = append(want.Resources, apidiscovery.APIResourceDiscovery{
				Resource: "uibuttons", SingularResource: "uibutton", Scope: apidiscovery.ScopeCluster, ResponseKind: requestKind("UIButton"),
				Verbs: uiVerbs, Categories: []string{"tilt"}, Subresources: []apidiscovery.APISubresourceDiscovery{
					{Subresource: "status", ResponseKind: requestKind("UIButton"), Verbs: statusVerbs},
				},
			}, apidiscovery.APIResourceDiscovery{
				Resource: "uiresources", SingularResource: "uiresource", Scope: apidiscovery.ScopeCluster, ResponseKind: requestKind("UIResource"),
				Verbs: uiVerbs, Categories: []string{"tilt"},
			})
		}
		if diff := cmp.Diff(want, groups.Items[at].Versions[0]); diff != "" || kind.Kind != "Session" {
			t.Errorf("version (-want +got), of kind %v:\n%s", kind, diff)
		}
	})

	t.Run("AggregatedIsCacheable", func(t *testing.T) {
		t.Parallel()
		answer := s.get(t, "/apis", acceptAggregated).want(http.StatusOK)
		tag := answer.Header.Get("ETag")
		if tag == "" || answer.Header.Get("Vary") != "Accept" {
			t.Fatalf("header = %v", answer.Header)
		}
		if again := s.get(t, "/apis", acceptAggregated, "If-None-Match: "+tag).want(http.StatusNotModified); len(again.body) != 0 {
			t.Errorf("304 with a body: %s", again.body)
		}
		s.get(t, "/apis", acceptAggregated, `If-None-Match: "another"`).want(http.StatusOK)
	})

	t.Run("Absent", func(t *testing.T) {
		t.Parallel()
		for _, absent := range []string{
			groupPath + "/v1", versionPath + "/none", versionPath + "/session",
			versionPath + "/namespaces/default/sessions", sessionsPath + "/none/none",
		} {
			s.get(t, absent).want(http.StatusNotFound)
		}
	})

	t.Run("Methods", func(t *testing.T) {
		t.Parallel()
		name := s.create(t).Name
		for _, refused := range []struct{ method, path string }{
			{http.MethodPut, sessionsPath}, {http.MethodPatch, sessionsPath}, {http.MethodPost, path(name)},
			{http.MethodPost, statusPath(name)}, {http.MethodDelete, statusPath(name)},
			{http.MethodGet, path(name) + "/trigger"}, {http.MethodPut, path(name) + "/args"}, {http.MethodPost, path(name) + "/log"},
		} {
			s.do(t, refused.method, refused.path, newSession(name)).failure(http.StatusMethodNotAllowed, metav1.StatusReasonMethodNotAllowed)
		}
	})
}
