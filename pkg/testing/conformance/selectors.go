// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// selector is a selector and the Sessions among a, b and c that it selects.
type selector struct{ label, field, want string }

// checkSelectors: the same selectors select the same in a list, a watch and a deletion.
func checkSelectors(t *testing.T, s *server) {
	group := unique(t)
	named := func(letter string) string { return group + "-" + letter }
	s.create(t, labelled("group", group), labelled("tier", "web"), func(session *v1alpha1.Session) {
		session.Name, session.Spec.TiltfilePath = named("a"), "/a/Tiltfile"
	})
	s.create(t, labelled("group", group), labelled("tier", "db"), labelled("old", ""), func(session *v1alpha1.Session) {
		session.Name, session.Spec.ExitCondition = named("b"), v1alpha1.ExitConditionCI
	})
	s.create(t, labelled("group", group), func(session *v1alpha1.Session) { session.Name = named("c") })
	s.setStatus(t, named("c"), v1alpha1.SessionStatus{Done: true})

	selectors := []selector{
		{"", "", "abc"},
		{"tier=web", "", "a"}, {"tier==web", "", "a"}, {"tier!=web", "", "bc"},
		{"tier in (web,db)", "", "ab"}, {"tier notin (web)", "", "bc"}, {"tier", "", "ab"}, {"!tier", "", "c"},
		{"tier,old", "", "b"}, {"tier=web,old", "", ""}, {"old=", "", "b"},
		{"", "metadata.name=" + named("a"), "a"}, {"", "metadata.name!=" + named("a"), "bc"}, {"", "metadata.name==" + named("x"), ""},
		{"", "spec.exitCondition=ci", "b"}, {"", "spec.exitCondition!=ci", "ac"},
		{"", "spec.tiltfilePath=/a/Tiltfile", "a"}, {"", "spec.tiltfilePath!=/a/Tiltfile", "bc"},
		{"", "status.done=true", "c"}, {"", "status.done=false", "ab"}, {"", "status.done!=true", "ab"},
		{"", "status.done=false,spec.exitCondition=manual", "a"}, {"tier", "spec.exitCondition=manual", "a"},
		{"", "metadata.name=" + named("a") + ",spec.exitCondition=ci", ""},
	}
	for _, selector := range selectors {
		t.Run(strings.ReplaceAll(selector.label+" "+selector.field, group, ""), func(t *testing.T) {
			query := selector.query(group)
			list := s.get(t, sessionsPath+"?"+query).want(http.StatusOK).list()
			if got := letters(namesOf(list)); got != selector.want {
				t.Errorf("list: %q instead of %q", got, selector.want)
			}
			if got := letters(namesOf(s.get(t, sessionsPath+"?resourceVersion=0&"+query).want(http.StatusOK).list())); got != selector.want {
				t.Errorf("list of the cache: %q instead of %q", got, selector.want)
			}
			if got := s.initial(t, selector, group); got != selector.want {
				t.Errorf("watch: %q instead of %q", got, selector.want)
			}
			deleted := s.do(t, http.MethodDelete, sessionsPath+"?dryRun=All&"+query, nil).want(http.StatusOK).list()
			if got := letters(namesOf(deleted)); got != selector.want {
				t.Errorf("deletion: %q instead of %q", got, selector.want)
			}
		})
	}
	t.Run("Refused", func(t *testing.T) { t.Parallel(); refusedSelectors(t, s) })
	t.Run("DeleteCollection", func(t *testing.T) { t.Parallel(); deleteSelected(t, s) })
}

func (sel selector) query(group string) string {
	return url.Values{"labelSelector": {sel.labels(group)}, "fieldSelector": {sel.field}}.Encode()
}

func (sel selector) labels(group string) string {
	if sel.label == "" {
		return "group=" + group
	}
	return "group=" + group + "," + sel.label
}

// initial returns the Sessions that a watch begins with.
func (s *server) initial(t *testing.T, sel selector, group string) string {
	t.Helper()
	yes := true
	events, err := s.sessions.Watch(t.Context(), metav1.ListOptions{
		LabelSelector: sel.labels(group), FieldSelector: sel.field,
		SendInitialEvents: &yes, ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan, AllowWatchBookmarks: true,
	})
	if err != nil {
		t.Fatalf("watching: %v", err)
	}
	defer events.Stop()
	var names []string
	for event := range events.ResultChan() {
		session, ok := event.Object.(*v1alpha1.Session)
		if event.Type == watch.Bookmark {
			return letters(names)
		}
		if !ok || event.Type != watch.Added {
			t.Fatalf("%s: %v", event.Type, event.Object)
		}
		names = append(names, session.Name)
	}
	t.Fatal("the watch has ended")
	return ""
}

// letters returns the last letters of names, sorted.
func letters(names []string) string {
	var last []string
	for _, name := range names {
		last = append(last, name[len(name)-1:])
	}
	slices.Sort(last)
	return strings.Join(last, "")
}

func refusedSelectors(t *testing.T, s *server) {
	for _, query := range []string{
		"fieldSelector=spec.unknown%3Dx", "fieldSelector=metadata.namespace%3Dx", "fieldSelector=status.pid%3D1", "fieldSelector=status.done",
		"labelSelector=a+in+b", "labelSelector=a%3D%3D%3Db", "labelSelector=-a", "labelSelector=a%3D-",
	} {
		for what, answer := range map[string]*answer{
			"list":     s.get(t, sessionsPath+"?"+query),
			"watch":    s.get(t, sessionsPath+"?watch=true&timeoutSeconds=1&"+query),
			"deletion": s.do(t, http.MethodDelete, sessionsPath+"?"+query, nil),
		} {
			if answer.StatusCode != http.StatusBadRequest {
				t.Errorf("%s %s: %d %s", what, query, answer.StatusCode, cut(answer.body))
				continue
			}
			answer.failure(http.StatusBadRequest, metav1.StatusReasonBadRequest)
		}
	}
	status := s.get(t, sessionsPath+"?fieldSelector=spec.unknown%3Dx").failure(http.StatusBadRequest, metav1.StatusReasonBadRequest)
	if !strings.Contains(status.Message, "spec.unknown") {
		t.Errorf("the field isn't named: %s", status.Message)
	}
}

func deleteSelected(t *testing.T, s *server) {
	group := unique(t)
	keep := s.create(t, labelled("group", group))
	drop := s.create(t, labelled("group", group), func(session *v1alpha1.Session) { session.Spec.ExitCondition = v1alpha1.ExitConditionCI })
	done := s.create(t, labelled("group", group))
	s.setStatus(t, done.Name, v1alpha1.SessionStatus{Done: true})
	for _, field := range []string{"spec.exitCondition=ci", "status.done=true"} {
		s.do(t, http.MethodDelete, sessionsPath+"?"+selector{field: field}.query(group), nil).want(http.StatusOK)
	}
	s.get(t, path(drop.Name)).want(http.StatusNotFound)
	s.get(t, path(done.Name)).want(http.StatusNotFound)
	s.quiet(t, keep)
}
