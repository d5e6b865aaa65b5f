// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// checkRead checks GET and LIST, of whole Sessions or of their metadata alone.
func checkRead(t *testing.T, s *server) {
	t.Run("Get", func(t *testing.T) {
		t.Parallel()
		created := s.create(t)
		want := s.setStatus(t, created.Name, fullStatus())
		for _, at := range []string{path(created.Name), statusPath(created.Name)} {
			if diff := cmp.Diff(want, s.get(t, at).want(http.StatusOK).session()); diff != "" {
				t.Errorf("%s (-written +read):\n%s", at, diff)
			}
		}
	})

	t.Run("GetMissing", func(t *testing.T) {
		t.Parallel()
		name := unique(t)
		for _, at := range []string{path(name), statusPath(name)} {
			status := s.get(t, at).failure(http.StatusNotFound, metav1.StatusReasonNotFound)
			want := &metav1.StatusDetails{Name: name, Group: "tilt.dev", Kind: "sessions"}
			if diff := cmp.Diff(want, status.Details); diff != "" {
				t.Errorf("%s: details (-want +got):\n%s", at, diff)
			}
		}
	})

	t.Run("ListIsSortedByName", func(t *testing.T) {
		t.Parallel()
		label := unique(t)
		var want []string
		for _, suffix := range []string{"b", "a", "c", "B", "a.a", "a-"} {
			name := label + suffix
			s.create(t, labelled("list", label), func(session *v1alpha1.Session) { session.Name = name })
			want = append(want, name)
		}
		slices.Sort(want)
		list := s.get(t, sessionsPath+"?labelSelector=list="+label).want(http.StatusOK).list()
		if got := namesOf(list); !slices.Equal(got, want) || list.ResourceVersion == "" || list.ResourceVersion == "0" {
			t.Errorf("version %q of %v instead of %v", list.ResourceVersion, got, want)
		}
		for _, item := range list.Items {
			if diff := cmp.Diff(s.read(t, item.Name), &item, ignoreType); diff != "" {
				t.Errorf("GET and LIST differ:\n%s", diff)
			}
		}
	})

	t.Run("EmptyList", func(t *testing.T) {
		t.Parallel()
		answer := s.get(t, sessionsPath+"?labelSelector=list="+unique(t)).want(http.StatusOK)
		if list := answer.list(); list.ResourceVersion == "" || !strings.Contains(string(answer.body), `"items":[]`) {
			t.Errorf("an empty list = %s", answer.body)
		}
	})

	t.Run("Metadata", func(t *testing.T) { t.Parallel(); readMetadata(t, s) })
	t.Run("Values", func(t *testing.T) { t.Parallel(); readValues(t, s) })
	t.Run("Table", func(t *testing.T) { t.Parallel(); checkTable(t, s) })
}

// ignoreType: an item of a list doesn't repeat its kind.
var ignoreType = cmp.FilterPath(func(at cmp.Path) bool { return strings.HasPrefix(at.Last().String(), ".TypeMeta") }, cmp.Ignore())

func namesOf(list *v1alpha1.SessionList) []string {
	names := make([]string, len(list.Items))
	for i := range list.Items {
		names[i] = list.Items[i].Name
	}
	return names
}

func readMetadata(t *testing.T, s *server) {
	label := unique(t)
	session := s.create(t, labelled("list", label))

	one := s.get(t, path(session.Name), acceptMetadata).want(http.StatusOK)
	var partial metav1.PartialObjectMetadata
	one.into(&partial)
	if partial.Kind != "PartialObjectMetadata" || partial.APIVersion != "meta.k8s.io/v1" {
		t.Errorf("type = %v", partial.TypeMeta)
	}
	if diff := cmp.Diff(session.ObjectMeta, partial.ObjectMeta); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}

	many := s.get(t, sessionsPath+"?labelSelector=list="+label,
		"Accept: application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io").want(http.StatusOK)
	var partials metav1.PartialObjectMetadataList
	many.into(&partials)
	if partials.Kind != "PartialObjectMetadataList" || partials.ResourceVersion == "" || len(partials.Items) != 1 {
		t.Fatalf("partials = %+v", partials)
	}
	if diff := cmp.Diff(session.ObjectMeta, partials.Items[0].ObjectMeta); diff != "" {
		t.Errorf("metadata in a list (-want +got):\n%s", diff)
	}
	for _, answer := range []*answer{one, many} {
		if strings.Contains(string(answer.body), session.Spec.TiltfilePath) {
			t.Errorf("more than metadata: %s", answer.body)
		}
	}
	s.get(t, path(session.Name), "Accept: application/json;as=Nothing;v=v1;g=meta.k8s.io").
		failure(http.StatusNotAcceptable, metav1.StatusReasonNotAcceptable)
	s.get(t, path(session.Name), "Accept: application/json;as=Nothing;v=v1;g=meta.k8s.io,application/json").want(http.StatusOK).session()
}

// readValues checks values that a careless codec loses.
func readValues(t *testing.T, s *server) {
	name := s.create(t).Name
	body := `{"apiVersion":"tilt.dev/v1alpha1","kind":"Session","metadata":{"name":"` + name + `"},"status":{
		"pid":9007199254740993,"startTime":"2026-01-02T03:04:05.120000Z","done":false,"error":"a <b> & \u2028 \"c\" \ud83d\ude00",
		"targets":[{"name":"t","type":"job","resources":null,"state":{"active":{"startTime":"2026-01-02T04:04:05.000007+01:00","ready":false}}}]}}`
	s.do(t, http.MethodPut, statusPath(name), body).want(http.StatusOK)
	read := string(s.get(t, path(name)).want(http.StatusOK).body)
	for _, part := range []string{
		`"pid":9007199254740993`,
		`"startTime":"2026-01-02T03:04:05.120000Z"`,
		`"startTime":"2026-01-02T03:04:05.000007Z"`,
		`"lastReadyTime":null`,
		`"resources":[]`,
	} {
		if !strings.Contains(read, part) {
			t.Errorf("%s isn't in %s", part, read)
		}
	}
	if got, want := s.read(t, name).Status.Error, "a <b> & \u2028 \"c\" \U0001F600"; got != want {
		t.Errorf("error = %q instead of %q", got, want)
	}
	fresh := string(s.get(t, path(s.create(t).Name)).want(http.StatusOK).body)
	if want := `"status":{"pid":0,"startTime":null,"targets":[],"done":false}`; !strings.Contains(fresh, want) {
		t.Errorf("a new Session has not %s: %s", want, fresh)
	}
}
