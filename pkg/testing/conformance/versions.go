// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// checkVersions checks which state a read returns for a resourceVersion.
func checkVersions(t *testing.T, s *server) {
	t.Run("MostRecent", func(t *testing.T) { t.Parallel(); readsOwnWrites(t, s) })
	t.Run("Any", func(t *testing.T) { t.Parallel(); readsAnyVersion(t, s) })
	t.Run("NotOlderThan", func(t *testing.T) { t.Parallel(); readsNotOlder(t, s) })
	t.Run("Exact", func(t *testing.T) { t.Parallel(); readsExactly(t, s) })
	t.Run("TooLarge", func(t *testing.T) { t.Parallel(); readsTheFuture(t, s) })
	t.Run("Invalid", func(t *testing.T) { t.Parallel(); invalidVersions(t, s) })
	t.Run("Match", func(t *testing.T) { t.Parallel(); matchRules(t, s) })
}

// versionNumber returns a version as a number. Clients must not compare versions, but checks may.
func versionNumber(t *testing.T, version string) uint64 {
	t.Helper()
	number, err := strconv.ParseUint(version, 10, 64)
	if err != nil {
		t.Fatalf("version: %v", err)
	}
	return number
}

func (s *server) relabel(t *testing.T, name, value string) *v1alpha1.Session {
	t.Helper()
	return s.patch(t, path(name), `{"metadata":{"labels":{"value":"`+value+`"}}}`, contentMerge).want(http.StatusOK).session()
}

func readsOwnWrites(t *testing.T, s *server) {
	name := s.create(t).Name
	for i := range 10 {
		want := s.relabel(t, name, strconv.Itoa(i))
		if got := s.read(t, name); got.ResourceVersion != want.ResourceVersion {
			t.Errorf("GET reads %s after %s was written", got.ResourceVersion, want.ResourceVersion)
		}
		list := s.get(t, sessionsPath+"?fieldSelector=metadata.name="+name).want(http.StatusOK).list()
		if len(list.Items) != 1 || list.Items[0].ResourceVersion != want.ResourceVersion ||
			versionNumber(t, list.ResourceVersion) < versionNumber(t, want.ResourceVersion) {
			t.Errorf("LIST of %s reads %+v after %s was written", list.ResourceVersion, list.Items, want.ResourceVersion)
		}
	}
}

// readsAnyVersion: a read at version 0 may return an old state, but a real one, and in time the newest.
func readsAnyVersion(t *testing.T, s *server) {
	session := s.create(t)
	var known []string
	eventually(t, "the newest state with resourceVersion=0", func() bool {
		list := s.get(t, sessionsPath+"?resourceVersion=0&limit=1").want(http.StatusOK).list()
		all := s.get(t, sessionsPath+"?resourceVersion=0&fieldSelector=metadata.name="+session.Name).want(http.StatusOK).list()
		known = append(known, list.ResourceVersion, all.ResourceVersion)
		return len(all.Items) == 1 && all.Items[0].ResourceVersion == session.ResourceVersion
	})
	for _, version := range known {
		if versionNumber(t, version) == 0 {
			t.Errorf("a list has the version %q", version)
		}
	}
	s.get(t, path(session.Name)+"?resourceVersion=0").want(http.StatusOK).session()
}

func readsNotOlder(t *testing.T, s *server) {
	name := s.create(t).Name
	for i := range 5 {
		written := s.relabel(t, name, strconv.Itoa(i))
		for _, match := range []string{"", "&resourceVersionMatch=NotOlderThan", "&resourceVersionMatch=NotOlderThan&limit=5"} {
			list := s.get(t, sessionsPath+"?fieldSelector=metadata.name="+name+"&resourceVersion="+written.ResourceVersion+match).
				want(http.StatusOK).list()
			if len(list.Items) != 1 || list.Items[0].ResourceVersion != written.ResourceVersion ||
				versionNumber(t, list.ResourceVersion) < versionNumber(t, written.ResourceVersion) {
				t.Errorf("%q: version %s of %v isn't as new as %s", match, list.ResourceVersion, namesOf(list), written.ResourceVersion)
			}
		}
		if got := s.get(t, path(name)+"?resourceVersion="+written.ResourceVersion).want(http.StatusOK).session(); got.ResourceVersion != written.ResourceVersion {
			t.Errorf("GET not older than %s reads %s", written.ResourceVersion, got.ResourceVersion)
		}
	}
}

func readsExactly(t *testing.T, s *server) {
	group, sessions := s.group(t, 3)
	at := sessions[2].ResourceVersion
	changed := s.relabel(t, sessions[0].Name, "changed")
	s.do(t, http.MethodDelete, path(sessions[1].Name), nil).want(http.StatusOK)

	for _, limit := range []string{"", "&limit=10"} {
		list := s.get(t, sessionsPath+"?labelSelector=group="+group+"&resourceVersionMatch=Exact&resourceVersion="+at+limit).
			want(http.StatusOK).list()
		if list.ResourceVersion != at || !slices.Equal(namesOf(list), names(sessions)) || list.Items[0].ResourceVersion != sessions[0].ResourceVersion {
			t.Errorf("exactly %s%s: version %s of %v", at, limit, list.ResourceVersion, namesOf(list))
		}
	}
	list := s.get(t, sessionsPath+"?labelSelector=group="+group+"&resourceVersionMatch=Exact&resourceVersion="+changed.ResourceVersion).
		want(http.StatusOK).list()
	if list.ResourceVersion != changed.ResourceVersion || list.Items[0].ResourceVersion != changed.ResourceVersion || len(list.Items) != 3 {
		t.Errorf("exactly %s: version %s of %v", changed.ResourceVersion, list.ResourceVersion, namesOf(list))
	}
}

// readsTheFuture: a version that wasn't reached yet is waited for, and then
// refused with a hint to try again.
func readsTheFuture(t *testing.T, s *server) {
	session := s.create(t)
	future := strconv.FormatUint(versionNumber(t, session.ResourceVersion)+1_000_000, 10)
	for _, at := range []string{
		sessionsPath + "?resourceVersion=" + future,
		sessionsPath + "?resourceVersionMatch=NotOlderThan&resourceVersion=" + future,
		sessionsPath + "?resourceVersionMatch=NotOlderThan&limit=1&resourceVersion=" + future,
		sessionsPath + "?resourceVersionMatch=Exact&resourceVersion=" + future,
		path(session.Name) + "?resourceVersion=" + future,
	} {
		t.Run(strings.ReplaceAll(strings.TrimPrefix(at, sessionsPath), future, "future"), func(t *testing.T) {
			t.Parallel()
			status := s.get(t, at).failure(http.StatusGatewayTimeout, metav1.StatusReasonTimeout)
			if status.Details == nil || status.Details.RetryAfterSeconds < 1 || len(status.Details.Causes) != 1 ||
				status.Details.Causes[0].Type != metav1.CauseTypeResourceVersionTooLarge {
				t.Errorf("details = %+v", status.Details)
			}
		})
	}
}

func invalidVersions(t *testing.T, s *server) {
	name := s.create(t).Name
	for _, version := range []string{"abc", "-1", "1.5", "0x1", "%20", "99999999999999999999"} {
		for _, at := range []string{
			sessionsPath + "?", sessionsPath + "?resourceVersionMatch=Exact&", sessionsPath + "?resourceVersionMatch=NotOlderThan&",
			sessionsPath + "?watch=true&", sessionsPath + "?watch=true&fieldSelector=metadata.name=" + name + "&",
			sessionsPath + "?watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&",
			path(name) + "?", statusPath(name) + "?",
		} {
			s.get(t, at+"resourceVersion="+version).failure(http.StatusBadRequest, metav1.StatusReasonBadRequest)
		}
	}
}

func matchRules(t *testing.T, s *server) {
	for query, field := range map[string]string{
		"resourceVersionMatch=Exact":                                                     "resourceVersionMatch",
		"resourceVersionMatch=NotOlderThan":                                              "resourceVersionMatch",
		"resourceVersion=0&resourceVersionMatch=Exact":                                   "resourceVersionMatch",
		"resourceVersion=1&resourceVersionMatch=Newest":                                  "resourceVersionMatch",
		"resourceVersion=1&resourceVersionMatch=exact":                                   "resourceVersionMatch",
		"watch=true&resourceVersion=1&resourceVersionMatch=NotOlderThan":                 "resourceVersionMatch",
		"watch=true&resourceVersion=1&resourceVersionMatch=Exact":                        "resourceVersionMatch",
		"watch=true&sendInitialEvents=true":                                              "resourceVersionMatch",
		"watch=true&sendInitialEvents=false":                                             "resourceVersionMatch",
		"watch=true&sendInitialEvents=true&resourceVersion=1&resourceVersionMatch=Exact": "resourceVersionMatch",
		"sendInitialEvents=true":                                                         "sendInitialEvents",
		"sendInitialEvents=true&resourceVersion=1&resourceVersionMatch=NotOlderThan":     "sendInitialEvents",
	} {
		status := s.get(t, sessionsPath+"?"+query).failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
		if status.Details == nil || !slices.ContainsFunc(status.Details.Causes, func(cause metav1.StatusCause) bool { return cause.Field == field }) {
			t.Errorf("%s: details = %+v, want a cause at %s", query, status.Details, field)
		}
	}
}
