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

// checkApply checks server-side apply of the main resource, and the owners of fields after each kind of write.
func checkApply(t *testing.T, s *server) {
	t.Run("Creates", func(t *testing.T) { t.Parallel(); applyCreates(t, s) })
	t.Run("Conflicts", func(t *testing.T) { t.Parallel(); applyConflicts(t, s) })
	t.Run("Removes", func(t *testing.T) { t.Parallel(); applyRemoves(t, s) })
	t.Run("Refused", func(t *testing.T) { t.Parallel(); applyRefused(t, s) })
	t.Run("Owners", func(t *testing.T) { t.Parallel(); ownersOfWrites(t, s) })
	t.Run("Unchanged", func(t *testing.T) { t.Parallel(); checkUnchanged(t, s) })
	t.Run("Status", func(t *testing.T) { t.Parallel(); checkApplyStatus(t, s) })
	t.Run("Clients", func(t *testing.T) { t.Parallel(); checkApplyClients(t, s) })
}

// apply sends an apply configuration of a manager: members of a JSON object.
func (s *server) apply(t *testing.T, at, name, manager, fields string) *answer {
	t.Helper()
	separator := "?"
	if strings.Contains(at, "?") {
		separator = "&"
	}
	return s.patch(t, at+separator+"fieldManager="+manager,
		`{"apiVersion":"tilt.dev/v1alpha1","kind":"Session","metadata":{"name":"`+name+`"},`+fields+`}`, contentApply)
}

// owned returns the fields of a manager, and the operation that it owns them by.
func owned(session *v1alpha1.Session, manager, subresource string) (string, metav1.ManagedFieldsOperationType) {
	for _, entry := range session.ManagedFields {
		if entry.Manager == manager && entry.Subresource == subresource {
			return entry.FieldsV1.GetRawString(), entry.Operation
		}
	}
	return "", ""
}

func wantOwned(t *testing.T, session *v1alpha1.Session, manager, subresource string, operation metav1.ManagedFieldsOperationType, fields string) {
	t.Helper()
	got, how := owned(session, manager, subresource)
	if got != fields || how != operation {
		t.Errorf("%s owns %s by %q of %q, instead of %s by %s", manager, got, how, subresource, fields, operation)
	}
}

func applyCreates(t *testing.T, s *server) {
	name := unique(t)
	s.remove(t, name)
	const spec = `"spec":{"tiltfilePath":"/a","exitCondition":"ci"},"status":{"pid":7}`
	created := s.apply(t, path(name), name, "one", spec).want(http.StatusCreated).session()
	if created.Generation != 1 || created.Status.PID != 0 || created.UID == "" {
		t.Errorf("created = %+v", created)
	}
	wantOwned(t, created, "one", "", "Apply", `{"f:spec":{"f:exitCondition":{},"f:tiltfilePath":{}}}`)
	again := s.apply(t, path(name), name, "one", spec).want(http.StatusOK).session()
	if diff := cmp.Diff(created, again); diff != "" {
		t.Errorf("the second apply has changed something:\n%s", diff)
	}
	s.quiet(t, again)

	yaml := "apiVersion: tilt.dev/v1alpha1\nkind: Session\nmetadata:\n  name: " + name + "\n  labels: {a: b}\nspec:\n  tiltfilePath: /a\n  exitCondition: ci\n"
	labelled := s.patch(t, path(name)+"?fieldManager=one", yaml, contentApply).want(http.StatusOK).session()
	wantOwned(t, labelled, "one", "", "Apply", `{"f:metadata":{"f:labels":{"f:a":{}}},"f:spec":{"f:exitCondition":{},"f:tiltfilePath":{}}}`)
}

func applyConflicts(t *testing.T, s *server) {
	name := unique(t)
	s.remove(t, name)
	s.apply(t, path(name), name, "one", `"spec":{"tiltfilePath":"/a","exitCondition":"ci"}`).want(http.StatusCreated)
	before := s.patch(t, path(name)+"?fieldManager=updater", `{"spec":{"ci":{"timeout":"1m0s"}}}`, contentMerge).want(http.StatusOK).session()

	status := s.apply(t, path(name), name, "two", `"spec":{"tiltfilePath":"/b","exitCondition":"ci","ci":{"timeout":"2m0s"}}`).
		failure(http.StatusConflict, metav1.StatusReasonConflict)
	var causes []string
	for _, cause := range status.Details.Causes {
		if cause.Type != metav1.CauseTypeFieldManagerConflict {
			t.Errorf("cause = %+v", cause)
		}
		manager := "?"
		for _, known := range []string{"one", "updater"} {
			if strings.Contains(cause.Message, `"`+known+`"`) {
				manager = known
			}
		}
		causes = append(causes, cause.Field+" of "+manager)
	}
	slices.Sort(causes)
	if diff := cmp.Diff([]string{".spec.ci.timeout of updater", ".spec.tiltfilePath of one"}, causes); diff != "" {
		t.Errorf("conflicts (-want +got):\n%s", diff)
	}
	s.quiet(t, before)

	shared := s.apply(t, path(name), name, "two", `"spec":{"exitCondition":"ci"}`).want(http.StatusOK).session()
	wantOwned(t, shared, "two", "", "Apply", `{"f:spec":{"f:exitCondition":{}}}`)
	wantOwned(t, shared, "one", "", "Apply", `{"f:spec":{"f:exitCondition":{},"f:tiltfilePath":{}}}`)

	forced := s.apply(t, path(name)+"?force=true", name, "two", `"spec":{"tiltfilePath":"/b","exitCondition":"ci"}`).want(http.StatusOK).session()
	if forced.Spec.TiltfilePath != "/b" {
		t.Errorf("spec = %+v", forced.Spec)
	}
	wantOwned(t, forced, "one", "", "Apply", `{"f:spec":{"f:exitCondition":{}}}`)
	wantOwned(t, forced, "two", "", "Apply", `{"f:spec":{"f:exitCondition":{},"f:tiltfilePath":{}}}`)
}

// applyRemoves: a field that a manager no longer applies is removed, unless another manager owns it too.
func applyRemoves(t *testing.T, s *server) {
	name := unique(t)
	s.remove(t, name)
	const spec = `"spec":{"tiltfilePath":"/a","exitCondition":"ci"`
	s.patch(t, path(name)+"?fieldManager=one", `{"apiVersion":"tilt.dev/v1alpha1","kind":"Session","metadata":{"name":"`+name+`","labels":{"mine":"1","shared":"1"}},`+
		spec+`,"ci":{"timeout":"1m0s"}}}`, contentApply).want(http.StatusCreated)
	s.patch(t, path(name)+"?fieldManager=two", `{"apiVersion":"tilt.dev/v1alpha1","kind":"Session","metadata":{"name":"`+name+`","labels":{"shared":"1"}}}`,
		contentApply).want(http.StatusOK)
	left := s.apply(t, path(name), name, "one", spec+`}`).want(http.StatusOK).session()
	if diff := cmp.Diff(map[string]string{"shared": "1"}, left.Labels); diff != "" || left.Spec.CI != nil {
		t.Errorf("ci %v, labels (-want +got):\n%s", left.Spec.CI, diff)
	}
	gone := s.apply(t, path(name), name, "two", `"spec":{}`).want(http.StatusOK).session()
	if len(gone.Labels) != 0 {
		t.Errorf("labels = %v", gone.Labels)
	}
	if fields, _ := owned(gone, "two", ""); strings.Contains(fields, "labels") {
		t.Errorf("a manager without fields still owns %s", fields)
	}
	s.apply(t, path(name), name, "one", `"spec":{"exitCondition":"ci"}`).failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
}

func applyRefused(t *testing.T, s *server) {
	session := s.create(t)
	at := path(session.Name)
	for what, answer := range map[string]*answer{
		"no manager":    s.patch(t, at, applied(session.Name, "/a"), contentApply),
		"managedFields": s.patch(t, at+"?fieldManager=me", `{"apiVersion":"tilt.dev/v1alpha1","kind":"Session","metadata":{"name":"`+session.Name+`","managedFields":[{"manager":"x"}]}}`, contentApply),
		"another name":  s.apply(t, at, "other", "me", `"spec":{}`),
		"no kind":       s.patch(t, at+"?fieldManager=me", `{"metadata":{"name":"`+session.Name+`"}}`, contentApply),
		"another kind":  s.patch(t, at+"?fieldManager=me", strings.Replace(applied(session.Name, "/a"), "Session", "Other", 1), contentApply),
		"not YAML":      s.patch(t, at+"?fieldManager=me", "a: [", contentApply),
		"a long name":   s.apply(t, at, session.Name, strings.Repeat("m", 129), `"spec":{}`),
		"an empty spec": s.apply(t, path(unique(t)), "", "me", `"spec":{}`),
	} {
		if answer.StatusCode < 400 || answer.StatusCode >= 500 {
			t.Errorf("%s: %d %s", what, answer.StatusCode, cut(answer.body))
		}
	}
	s.quiet(t, session)
}

// ownersOfWrites: each write records its manager: the fieldManager, else the name of the program.
func ownersOfWrites(t *testing.T, s *server) {
	session := newSession(unique(t))
	s.remove(t, session.Name)
	created := s.do(t, http.MethodPost, sessionsPath+"?fieldManager=poster", session, "User-Agent: program/1.0").want(http.StatusCreated).session()
	wantOwned(t, created, "poster", "", "Update", `{"f:spec":{"f:exitCondition":{},"f:tiltfilePath":{}}}`)
	if entry := created.ManagedFields[0]; entry.Time == nil || entry.APIVersion != "tilt.dev/v1alpha1" || entry.FieldsType != "FieldsV1" {
		t.Errorf("entry = %+v", entry)
	}

	created.Spec.TiltfilePath = "/put"
	put := s.do(t, http.MethodPut, path(session.Name)+"?fieldManager=putter", created).want(http.StatusOK).session()
	wantOwned(t, put, "putter", "", "Update", `{"f:spec":{"f:tiltfilePath":{}}}`)
	wantOwned(t, put, "poster", "", "Update", `{"f:spec":{"f:exitCondition":{}}}`)

	patched := s.do(t, http.MethodPatch, path(session.Name), `{"spec":{"exitCondition":"ci"}}`, contentMerge, "User-Agent: program/1.0 (linux)").want(http.StatusOK).session()
	wantOwned(t, patched, "program", "", "Update", `{"f:spec":{"f:exitCondition":{}}}`)
	if fields, _ := owned(patched, "poster", ""); fields != "" {
		t.Errorf("a manager without fields still has an entry, with %s", fields)
	}

	written := s.do(t, http.MethodPatch, statusPath(session.Name)+"?fieldManager=runner", `{"status":{"pid":7}}`, contentMerge).want(http.StatusOK).session()
	if fields, _ := owned(written, "runner", "status"); !strings.Contains(fields, `"f:pid":{}`) {
		t.Errorf("the runner owns %s", fields)
	}
	cleared := written.DeepCopy()
	cleared.ManagedFields = []metav1.ManagedFieldsEntry{{}}
	if got := s.do(t, http.MethodPut, path(session.Name), cleared).want(http.StatusOK).session(); len(got.ManagedFields) != 0 {
		t.Errorf("managedFields that are cleared: %v", got.ManagedFields)
	}
}
