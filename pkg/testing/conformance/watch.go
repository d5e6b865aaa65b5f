// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// checkWatch checks the events of watches.
func checkWatch(t *testing.T, s *server) {
	t.Run("FromState", func(t *testing.T) { t.Parallel(); watchFromState(t, s) })
	t.Run("FromVersion", func(t *testing.T) { t.Parallel(); watchFromVersion(t, s) })
	t.Run("Reconnect", func(t *testing.T) { t.Parallel(); watchAcrossReconnects(t, s) })
	t.Run("One", func(t *testing.T) { t.Parallel(); watchOne(t, s) })
	t.Run("Deleted", func(t *testing.T) { t.Parallel(); watchDeletion(t, s) })
	t.Run("Transitions", func(t *testing.T) { t.Parallel(); watchTransitions(t, s) })
	t.Run("Bookmarks", func(t *testing.T) { t.Parallel(); watchBookmarks(t, s) })
	t.Run("List", func(t *testing.T) { t.Parallel(); watchList(t, s) })
	t.Run("Forms", func(t *testing.T) { t.Parallel(); checkWatchForms(t, s) })

	t.Run("Timeout", func(t *testing.T) {
		t.Parallel()
		group, sessions := s.group(t, 1)
		events := s.watch(t, "timeoutSeconds=1&labelSelector=group="+group)
		events.want(t, brief("ADDED", sessions[0]))
		events.end(t)
	})

	t.Run("Refused", func(t *testing.T) {
		t.Parallel()
		for _, query := range []string{"timeoutSeconds=soon", "labelSelector=%3D%3D", "fieldSelector=status.pid%3D1"} {
			s.get(t, sessionsPath+"?watch=true&"+query).failure(http.StatusBadRequest, metav1.StatusReasonBadRequest)
		}
	})
}

// watchFromState: without a version, and from version 0, a watch begins with the existing Sessions.
func watchFromState(t *testing.T, s *server) {
	group, sessions := s.group(t, 3)
	for _, version := range []string{"", "&resourceVersion=0"} {
		events := s.watchState(t, "labelSelector=group="+group, version, sessions)
		sessions[1] = s.relabel(t, sessions[1].Name, "changed"+strings.TrimPrefix(version, "&resourceVersion="))
		events.want(t, brief("MODIFIED", sessions[1]))
	}
}

// watchFromVersion: each later event comes once and in order, whenever the watch began.
func watchFromVersion(t *testing.T, s *server) {
	group, sessions := s.group(t, 2)
	start := sessions[1].ResourceVersion
	early := s.watch(t, "labelSelector=group="+group+"&resourceVersion="+start)
	want := s.writes(t, sessions)
	late := s.watch(t, "labelSelector=group="+group+"&resourceVersion="+start)
	early.want(t, want...)
	late.want(t, want...)
	// The version of one event leads to the next.
	last := versionOfBrief(want[2])
	s.watch(t, "labelSelector=group="+group+"&resourceVersion="+last).want(t, want[3:]...)
}

// writes changes two Sessions in many ways, and returns the events.
func (s *server) writes(t *testing.T, sessions []*v1alpha1.Session) []string {
	t.Helper()
	var events []string
	for i := range 4 {
		events = append(events, brief("MODIFIED", s.relabel(t, sessions[i%2].Name, strconv.Itoa(i))))
	}
	events = append(events, brief("MODIFIED", s.setStatus(t, sessions[0].Name, fullStatus())))
	events = append(events, brief("MODIFIED", s.patch(t, path(sessions[1].Name), `{"spec":{"tiltfilePath":"/changed"}}`, contentMerge).
		want(http.StatusOK).session()))
	return events
}

func versionOfBrief(event string) string { return event[strings.LastIndex(event, " ")+1:] }

// watchAcrossReconnects cuts the watch after each event, and continues from that version.
func watchAcrossReconnects(t *testing.T, s *server) {
	group, sessions := s.group(t, 2)
	version := sessions[1].ResourceVersion
	for _, want := range s.writes(t, sessions) {
		events := s.watch(t, "labelSelector=group="+group+"&resourceVersion="+version)
		events.want(t, want)
		_ = events.body.Close()
		version = versionOfBrief(want)
	}
}

func watchOne(t *testing.T, s *server) {
	group, sessions := s.group(t, 2)
	var streams []*stream
	for _, at := range []string{
		sessionsPath + "?watch=true&fieldSelector=metadata.name=" + sessions[0].Name,
		versionPath + "/watch/sessions/" + sessions[0].Name,
	} {
		streams = append(streams, s.watchAt(t, at))
	}
	s.relabel(t, sessions[1].Name, "another")
	changed := s.relabel(t, sessions[0].Name, "one")
	for _, events := range streams {
		events.want(t, brief("ADDED", sessions[0]), brief("MODIFIED", changed))
	}
	all := s.watchAt(t, versionPath+"/watch/sessions?labelSelector=group="+group+"&resourceVersion="+sessions[1].ResourceVersion)
	if event := all.next(t); event.Type != "MODIFIED" || event.session(t).Name != sessions[1].Name {
		t.Errorf("event %s", event.brief(t))
	}
}

// watchDeletion: DELETED carries the last state, with the version of the deletion, from which a watch can continue.
func watchDeletion(t *testing.T, s *server) {
	group, sessions := s.group(t, 2)
	last := s.relabel(t, sessions[0].Name, "last")
	events := s.watch(t, "labelSelector=group="+group+"&resourceVersion="+last.ResourceVersion)
	s.do(t, http.MethodDelete, path(last.Name), nil).want(http.StatusOK)
	deleted := events.next(t)
	session := deleted.session(t)
	if deleted.Type != "DELETED" || session.UID != last.UID || session.Labels["value"] != "last" || session.Spec.TiltfilePath != last.Spec.TiltfilePath {
		t.Errorf("event %s", deleted.Object)
	}
	if versionNumber(t, session.ResourceVersion) <= versionNumber(t, last.ResourceVersion) {
		t.Errorf("deleted at %s, after a change at %s", session.ResourceVersion, last.ResourceVersion)
	}
	changed := s.relabel(t, sessions[1].Name, "later")
	events.want(t, brief("MODIFIED", changed))
	s.watch(t, "labelSelector=group="+group+"&resourceVersion="+session.ResourceVersion).want(t, brief("MODIFIED", changed))
	s.watch(t, "labelSelector=group="+group+"&resourceVersion="+last.ResourceVersion).want(t, deleted.brief(t), brief("MODIFIED", changed))
}

// watchTransitions: for a watch with a selector, an object that begins to match is ADDED
// and one that stops matching is DELETED, with the last state that matched.
func watchTransitions(t *testing.T, s *server) {
	session := s.create(t)
	only := "fieldSelector=metadata.name=" + session.Name
	label := s.watch(t, only+"&labelSelector=value=in&resourceVersion="+session.ResourceVersion)
	field := s.watch(t, only+",status.done=true&resourceVersion="+session.ResourceVersion)

	entered := s.relabel(t, session.Name, "in")
	done := s.setStatus(t, session.Name, v1alpha1.SessionStatus{Done: true})
	left := s.relabel(t, session.Name, "out")
	undone := s.setStatus(t, session.Name, v1alpha1.SessionStatus{})
	again := s.relabel(t, session.Name, "in")

	label.want(t, brief("ADDED", entered), brief("MODIFIED", done))
	gone := label.next(t)
	if got := gone.session(t); gone.brief(t) != brief("DELETED", left) || got.Labels["value"] != "in" || !got.Status.Done {
		t.Errorf("what left is %s", gone.Object)
	}
	label.want(t, brief("ADDED", again))

	field.want(t, brief("ADDED", done), brief("MODIFIED", left))
	gone = field.next(t)
	if gone.brief(t) != brief("DELETED", undone) || !gone.session(t).Status.Done {
		t.Errorf("what left is %s", gone.Object)
	}
}

// watchBookmarks: a watch that allows bookmarks gets the current version
// before the watch ends, even if it saw no event.
func watchBookmarks(t *testing.T, s *server) {
	group, sessions := s.group(t, 1)
	const soon = "&timeoutSeconds=4&resourceVersion="
	with := s.watch(t, "allowWatchBookmarks=true&labelSelector=group=none-"+group+soon+sessions[0].ResourceVersion)
	without := s.watch(t, "labelSelector=group=none-"+group+soon+sessions[0].ResourceVersion)
	changed := s.relabel(t, sessions[0].Name, "changed")

	var reached uint64
	for {
		event, err := with.read()
		if err != nil {
			break
		}
		bookmark := event.object(t)
		if event.Type != "BOOKMARK" || bookmark.GetKind() != "Session" || bookmark.GetAPIVersion() != "tilt.dev/v1alpha1" || bookmark.GetName() != "" {
			t.Errorf("event %s %s", event.Type, event.Object)
		}
		reached = versionNumber(t, bookmark.GetResourceVersion())
	}
	if reached < versionNumber(t, changed.ResourceVersion) {
		t.Errorf("the last bookmark is of %d, after a write of %s", reached, changed.ResourceVersion)
	}
	without.end(t)
}

// watchList checks a watch that replaces a list: it begins with the existing Sessions and a bookmark after them.
func watchList(t *testing.T, s *server) {
	const query = "sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&labelSelector=group="
	group, sessions := s.group(t, 3)
	for _, version := range []string{"", "&resourceVersion=0", "&resourceVersion=" + sessions[2].ResourceVersion} {
		events := s.watchState(t, query+group, version, sessions)
		end := events.next(t)
		bookmark := end.object(t)
		if end.Type != "BOOKMARK" || bookmark.GetAnnotations()[metav1.InitialEventsAnnotationKey] != "true" ||
			versionNumber(t, bookmark.GetResourceVersion()) < versionNumber(t, sessions[2].ResourceVersion) {
			t.Errorf("%q: end %s %s", version, end.Type, end.Object)
		}
		sessions[2] = s.relabel(t, sessions[2].Name, "after"+strings.TrimPrefix(version, "&resourceVersion="))
		for {
			event := events.next(t)
			if event.Type == "BOOKMARK" {
				continue
			}
			if got := event.brief(t); got != brief("MODIFIED", sessions[2]) {
				t.Errorf("%q: event %q after the list", version, got)
			}
			break
		}
	}
	none := s.watch(t, query+"none-"+group)
	if end := none.next(t); end.Type != "BOOKMARK" || end.object(t).GetAnnotations()[metav1.InitialEventsAnnotationKey] != "true" {
		t.Errorf("end of nothing: %s %s", end.Type, end.Object)
	}
	changes := s.watch(t, "sendInitialEvents=false&resourceVersionMatch=NotOlderThan&labelSelector=group="+group+"&resourceVersion="+sessions[1].ResourceVersion)
	if event := changes.next(t); event.Type == "BOOKMARK" || event.session(t).Name == sessions[1].Name {
		t.Errorf("event %s %s", event.Type, event.Object)
	}
}
