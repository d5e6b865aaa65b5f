// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	testserver "tilt.dev/session/pkg/testing/server"
)

const sessionVerbs = "create delete deletecollection get list patch update watch"

var subresourceVerbs = map[string]string{
	"args":    "create get",
	"disable": "create",
	"enable":  "create",
	"log":     "get",
	"status":  "get patch update",
	"trigger": "create",
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	client := newRawClient(t, testserver.Start(t))

	var groups metav1.APIGroupList
	client.do(http.MethodGet, "/apis", nil).want(http.StatusOK, &groups)
	if len(groups.Groups) != 1 || groups.Groups[0].PreferredVersion.GroupVersion != "tilt.dev/v1alpha1" {
		t.Errorf("groups = %+v", groups)
	}
	client.do(http.MethodGet, "/apis/tilt.dev", nil).want(http.StatusOK)

	var resources metav1.APIResourceList
	client.do(http.MethodGet, "/apis/tilt.dev/v1alpha1", nil).want(http.StatusOK, &resources)
	verbs := map[string]string{}
	for _, r := range resources.APIResources {
		verbs[r.Name] = strings.Join(r.Verbs, " ")
		if r.Namespaced {
			t.Errorf("resource = %+v", r)
		}
		if r.Name == "sessions" && (r.SingularName != "session" || strings.Join(r.ShortNames, " ") != "sess" || strings.Join(r.Categories, " ") != "tilt") {
			t.Errorf("names = %+v", r)
		}
	}
	want := map[string]string{"sessions": sessionVerbs}
	for subresource, verbs := range subresourceVerbs {
		want["sessions/"+subresource] = verbs
	}
	if !maps.Equal(verbs, want) {
		t.Errorf("verbs = %v, want %v", verbs, want)
	}
}

func TestAggregatedDiscovery(t *testing.T) {
	t.Parallel()
	client := newRawClient(t, testserver.Start(t))
	const accept = "Accept: application/json;v=v2;g=apidiscovery.k8s.io;as=APIGroupDiscoveryList"
	var list apidiscoveryv2.APIGroupDiscoveryList
	reply := client.do(http.MethodGet, "/apis", nil, accept).want(http.StatusOK, &list)
	if len(list.Items) != 1 || len(list.Items[0].Versions) != 1 || len(list.Items[0].Versions[0].Resources) != 1 {
		t.Fatalf("list = %+v", list)
	}
	sessions := list.Items[0].Versions[0].Resources[0]
	verbs := map[string]string{}
	for _, s := range sessions.Subresources {
		verbs[s.Subresource] = strings.Join(s.Verbs, " ")
	}
	if strings.Join(sessions.Verbs, " ") != sessionVerbs || !maps.Equal(verbs, subresourceVerbs) {
		t.Errorf("sessions = %+v", sessions)
	}
	client.do(http.MethodGet, "/apis", nil, accept, "If-None-Match: "+reply.header.Get("Etag")).want(http.StatusNotModified)
}
