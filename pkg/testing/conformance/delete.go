// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"net/http"
	"slices"
	"strconv"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// checkDelete checks deletions.
func checkDelete(t *testing.T, s *server) {
	t.Run("Gone", func(t *testing.T) { t.Parallel(); deleted(t, s) })
	t.Run("Preconditions", func(t *testing.T) { t.Parallel(); deletePreconditions(t, s) })
	t.Run("Options", func(t *testing.T) { t.Parallel(); deleteOptions(t, s) })
	t.Run("Propagation", func(t *testing.T) { t.Parallel(); deletePropagation(t, s) })
	t.Run("Finalizers", func(t *testing.T) { t.Parallel(); finalizersHold(t, s) })
	t.Run("LastFinalizer", func(t *testing.T) { t.Parallel(); lastFinalizer(t, s) })
	t.Run("Deleting", func(t *testing.T) { t.Parallel(); writesWhileDeleting(t, s) })
	t.Run("Collection", func(t *testing.T) { t.Parallel(); deleteCollection(t, s) })
}

const finalizer = "tilt.dev/conformance"

func held(session *v1alpha1.Session) { session.Finalizers = []string{finalizer} }

func deleted(t *testing.T, s *server) {
	session := s.create(t)
	var status metav1.Status
	s.do(t, http.MethodDelete, path(session.Name), nil).want(http.StatusOK).into(&status)
	if details := status.Details; status.Kind != "Status" || status.Status != metav1.StatusSuccess || details == nil ||
		details.Name != session.Name || details.Group != "tilt.dev" || details.Kind != "sessions" || details.UID != session.UID {
		t.Errorf("answer = %+v", status)
	}
	s.get(t, path(session.Name)).failure(http.StatusNotFound, metav1.StatusReasonNotFound)
	missing := s.do(t, http.MethodDelete, path(session.Name), nil).failure(http.StatusNotFound, metav1.StatusReasonNotFound)
	if missing.Details == nil || missing.Details.Name != session.Name || missing.Details.Kind != "sessions" {
		t.Errorf("details = %+v", missing.Details)
	}
	again := s.do(t, http.MethodPost, sessionsPath, newSession(session.Name)).want(http.StatusCreated).session()
	if again.UID == session.UID || again.Generation != 1 || len(again.Labels) != 0 {
		t.Errorf("a new Session of the name is %+v", again)
	}
}

func preconditions(uid types.UID, version string) *metav1.DeleteOptions {
	conditions := &metav1.Preconditions{}
	if uid != "" {
		conditions.UID = &uid
	}
	if version != "" {
		conditions.ResourceVersion = &version
	}
	return &metav1.DeleteOptions{Preconditions: conditions}
}

func deletePreconditions(t *testing.T, s *server) {
	first := s.create(t)
	current := s.relabel(t, first.Name, "changed")
	for _, options := range []*metav1.DeleteOptions{
		preconditions("another", ""),
		preconditions("", first.ResourceVersion),
		preconditions("another", current.ResourceVersion),
		preconditions(current.UID, first.ResourceVersion),
	} {
		s.do(t, http.MethodDelete, path(first.Name), options).failure(http.StatusConflict, metav1.StatusReasonConflict)
	}
	s.quiet(t, current)
	current = s.read(t, first.Name)
	s.do(t, http.MethodDelete, path(first.Name), preconditions(current.UID, current.ResourceVersion)).want(http.StatusOK)
	s.get(t, path(first.Name)).want(http.StatusNotFound)
}

// deleteOptions: options are in the body, in JSON and YAML, or in the query.
func deleteOptions(t *testing.T, s *server) {
	session := s.create(t)
	at := path(session.Name)
	for _, test := range []struct {
		query, body string
		headers     []string
		code        int
		reason      metav1.StatusReason
	}{
		{"", `{"dryRun":["All"]}`, nil, http.StatusOK, ""},
		{"", `{"kind":"DeleteOptions","apiVersion":"v1","dryRun":["All"],"gracePeriodSeconds":30}`, nil, http.StatusOK, ""},
		{"", `{"kind":"DeleteOptions","apiVersion":"tilt.dev/v1alpha1","dryRun":["All"]}`, nil, http.StatusOK, ""},
		{"", "dryRun: [All]\n", []string{contentYAML}, http.StatusOK, ""},
		{"?dryRun=All", "", nil, http.StatusOK, ""},
		{"?dryRun=All&propagationPolicy=Background&gracePeriodSeconds=0", "", nil, http.StatusOK, ""},
		{"", `{"kind":"Session","apiVersion":"tilt.dev/v1alpha1"}`, nil, http.StatusBadRequest, metav1.StatusReasonBadRequest},
		{"", `{"dryRun":`, nil, http.StatusBadRequest, metav1.StatusReasonBadRequest},
		{"", `{"dryRun":["Some"]}`, nil, http.StatusUnprocessableEntity, metav1.StatusReasonInvalid},
		{"?dryRun=Some", "", nil, http.StatusUnprocessableEntity, metav1.StatusReasonInvalid},
		{"?gracePeriodSeconds=soon", "", nil, http.StatusBadRequest, metav1.StatusReasonBadRequest},
		{"", `text`, []string{"Content-Type: text/plain"}, http.StatusUnsupportedMediaType, metav1.StatusReasonUnsupportedMediaType},
	} {
		var body any
		if test.body != "" {
			body = test.body
		}
		answer := s.do(t, http.MethodDelete, at+test.query, body, test.headers...)
		if test.code == http.StatusOK {
			answer.want(http.StatusOK)
		} else {
			answer.failure(test.code, test.reason)
		}
	}
	s.quiet(t, session)
}

// deletePropagation: a policy is accepted though nothing depends on a Session.
func deletePropagation(t *testing.T, s *server) {
	for _, policy := range []metav1.DeletionPropagation{metav1.DeletePropagationBackground, metav1.DeletePropagationForeground, metav1.DeletePropagationOrphan} {
		session := s.create(t)
		s.do(t, http.MethodDelete, path(session.Name), &metav1.DeleteOptions{PropagationPolicy: &policy}).want(http.StatusOK)
		s.get(t, path(session.Name)).want(http.StatusNotFound)
	}
	session := s.create(t)
	for _, body := range []string{`{"propagationPolicy":"Sideways"}`, `{"propagationPolicy":"Orphan","orphanDependents":true}`} {
		s.do(t, http.MethodDelete, path(session.Name), body).failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
	}
	s.do(t, http.MethodDelete, path(session.Name)+"?propagationPolicy=Sideways", nil).failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
	s.quiet(t, session)
}

func finalizersHold(t *testing.T, s *server) {
	session := s.create(t, held)
	events := s.watch(t, "fieldSelector=metadata.name="+session.Name+"&resourceVersion="+session.ResourceVersion)
	deleting := s.do(t, http.MethodDelete, path(session.Name), nil).want(http.StatusOK).session()
	if deleting.DeletionTimestamp.IsZero() || deleting.DeletionGracePeriodSeconds == nil || *deleting.DeletionGracePeriodSeconds != 0 ||
		deleting.Generation != session.Generation+1 || !slices.Equal(deleting.Finalizers, session.Finalizers) {
		t.Errorf("held = %+v", deleting.ObjectMeta)
	}
	events.want(t, brief("MODIFIED", deleting))
	if read := s.read(t, session.Name); read.ResourceVersion != deleting.ResourceVersion || !read.DeletionTimestamp.Equal(deleting.DeletionTimestamp) {
		t.Errorf("read = %+v", read.ObjectMeta)
	}

	again := s.do(t, http.MethodDelete, path(session.Name), nil).want(http.StatusOK).session()
	if again.ResourceVersion != deleting.ResourceVersion || again.Generation != deleting.Generation || !again.DeletionTimestamp.Equal(deleting.DeletionTimestamp) {
		t.Errorf("deleted again = %+v", again.ObjectMeta)
	}
	s.do(t, http.MethodPost, sessionsPath, newSession(session.Name)).failure(http.StatusConflict, metav1.StatusReasonAlreadyExists)

	s.patch(t, path(session.Name), `{"metadata":{"finalizers":null}}`, contentMerge).want(http.StatusOK)
	gone := events.next(t)
	if last := gone.session(t); gone.Type != "DELETED" || last.UID != session.UID || last.DeletionTimestamp.IsZero() ||
		versionNumber(t, last.ResourceVersion) <= versionNumber(t, deleting.ResourceVersion) {
		t.Errorf("event %s %s", gone.Type, gone.Object)
	}
	s.get(t, path(session.Name)).want(http.StatusNotFound)
}

// lastFinalizer: the write that removes the last finalizer of a deleted Session removes the Session.
func lastFinalizer(t *testing.T, s *server) {
	for name, drop := range map[string]func(t *testing.T, session *v1alpha1.Session) *answer{
		"Update": func(t *testing.T, session *v1alpha1.Session) *answer {
			session.Finalizers = nil
			return s.do(t, http.MethodPut, path(session.Name), session)
		},
		"Merge": func(t *testing.T, session *v1alpha1.Session) *answer {
			return s.patch(t, path(session.Name), `{"metadata":{"finalizers":[]}}`, contentMerge)
		},
		"JSON": func(t *testing.T, session *v1alpha1.Session) *answer {
			return s.patch(t, path(session.Name), `[{"op":"remove","path":"/metadata/finalizers/0"}]`, contentJSONPatch)
		},
		"Strategic": func(t *testing.T, session *v1alpha1.Session) *answer {
			return s.patch(t, path(session.Name), `{"metadata":{"$deleteFromPrimitiveList/finalizers":["`+finalizer+`"]}}`, contentStrategic)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			session := s.create(t, held)
			deleting := s.do(t, http.MethodDelete, path(session.Name), nil).want(http.StatusOK).session()
			if last := drop(t, deleting).want(http.StatusOK).session(); last.UID != session.UID || len(last.Finalizers) != 0 {
				t.Errorf("answer = %+v", last.ObjectMeta)
			}
			s.get(t, path(session.Name)).want(http.StatusNotFound)
		})
	}
	t.Run("Apply", func(t *testing.T) {
		t.Parallel()
		name := unique(t)
		s.remove(t, name)
		const spec = `"spec":{"tiltfilePath":"/a","exitCondition":"ci"}`
		s.apply(t, path(name), name, "finalizing", `"metadata":{"name":"`+name+`","finalizers":["`+finalizer+`"]},`+spec).want(http.StatusCreated)
		s.do(t, http.MethodDelete, path(name), nil).want(http.StatusOK)
		s.apply(t, path(name), name, "finalizing", `"metadata":{"name":"`+name+`"},`+spec).want(http.StatusOK)
		s.get(t, path(name)).want(http.StatusNotFound)
	})
}

// writesWhileDeleting: a Session that finalizers hold can be changed, but not get further finalizers.
func writesWhileDeleting(t *testing.T, s *server) {
	session := s.create(t, func(session *v1alpha1.Session) { session.Finalizers = []string{finalizer, finalizer + "-2"} })
	deleting := s.do(t, http.MethodDelete, path(session.Name), nil).want(http.StatusOK).session()

	refused := s.patch(t, path(session.Name), `{"metadata":{"finalizers":["`+finalizer+`","`+finalizer+`-2","tilt.dev/new"]}}`, contentMerge).
		failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
	if refused.Details == nil || len(refused.Details.Causes) == 0 || refused.Details.Causes[0].Field != "metadata.finalizers" {
		t.Errorf("details = %+v", refused.Details)
	}
	s.patch(t, path(session.Name), `{"metadata":{"finalizers":["`+finalizer+`"],"deletionTimestamp":null}}`, contentMerge).want(http.StatusOK)
	changed := s.patch(t, path(session.Name), `{"spec":{"tiltfilePath":"/last"}}`, contentMerge).want(http.StatusOK).session()
	if !changed.DeletionTimestamp.Equal(deleting.DeletionTimestamp) || changed.Generation != deleting.Generation+1 || len(changed.Finalizers) != 1 {
		t.Errorf("changed = %+v", changed.ObjectMeta)
	}
	if written := s.setStatus(t, session.Name, fullStatus()); written.DeletionTimestamp.IsZero() || !written.Status.Done {
		t.Errorf("a status = %+v", written)
	}
	s.patch(t, path(session.Name), `{"metadata":{"finalizers":null}}`, contentMerge).want(http.StatusOK)
	s.get(t, path(session.Name)).want(http.StatusNotFound)
}

func deleteCollection(t *testing.T, s *server) {
	group := unique(t)
	var sessions []*v1alpha1.Session
	for i := range 4 {
		sessions = append(sessions, s.create(t, labelled("group", group), labelled("odd", strconv.FormatBool(i%2 == 1)), func(session *v1alpha1.Session) {
			session.Name = group + strconv.Itoa(i)
			if i == 3 {
				held(session)
			}
		}))
	}
	left := func() []string {
		return namesOf(s.get(t, sessionsPath+"?labelSelector=group="+group).want(http.StatusOK).list())
	}
	expect := func(query string, body any, answered, want []string) *v1alpha1.SessionList {
		t.Helper()
		list := s.do(t, http.MethodDelete, sessionsPath+"?"+query, body).want(http.StatusOK).list()
		if got := namesOf(list); !slices.Equal(got, answered) {
			t.Errorf("%s: deleted %v instead of %v", query, got, answered)
		}
		if got := left(); !slices.Equal(got, want) {
			t.Errorf("%s: %v are left instead of %v", query, got, want)
		}
		return list
	}
	all := names(sessions)
	expect("labelSelector=group="+group+"&dryRun=All", nil, all, all)
	expect("labelSelector=group="+group, &metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}}, all, all)
	for _, session := range sessions {
		s.quiet(t, session)
	}
	expect("labelSelector=group="+group+"&fieldSelector=metadata.name=none", nil, []string{}, all)
	expect("labelSelector=group="+group+"&fieldSelector=metadata.name="+all[0], nil, all[:1], all[1:])
	expect("labelSelector=group="+group+",odd=true", nil, []string{all[1], all[3]}, all[2:])
	if kept := s.read(t, all[3]); kept.DeletionTimestamp.IsZero() || kept.Generation != 2 {
		t.Errorf("what a finalizer holds is %+v", kept.ObjectMeta)
	}
	expect("labelSelector=group="+group, nil, all[2:], all[3:])
	s.patch(t, path(all[3]), `{"metadata":{"finalizers":null}}`, contentMerge).want(http.StatusOK)
	expect("labelSelector=group="+group, nil, []string{}, []string{})
	s.do(t, http.MethodDelete, sessionsPath+"?labelSelector=%3D%3D", nil).failure(http.StatusBadRequest, metav1.StatusReasonBadRequest)
}
