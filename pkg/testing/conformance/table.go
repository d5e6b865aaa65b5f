// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// checkTable checks the tables that "kubectl get" prints.
func checkTable(t *testing.T, s *server) {
	t.Run("Columns", func(t *testing.T) { t.Parallel(); tableColumns(t, s) })
	t.Run("Cells", func(t *testing.T) { t.Parallel(); tableCells(t, s) })
	t.Run("Included", func(t *testing.T) { t.Parallel(); tableObjects(t, s) })
	t.Run("Wide", func(t *testing.T) {
		t.Parallel()
		name := s.create(t).Name
		if got := s.table(t, path(name)).Rows[0].Cells[6:]; got[0] != "/conformance/Tiltfile" || got[2] != "" {
			t.Errorf("before the run: %v", got)
		}
		status := fullStatus()
		status.StartTime = metav1.NewMicroTime(status.Conditions[0].LastTransitionTime.Add(-90 * time.Second))
		s.setStatus(t, name, status)
		if diff := cmp.Diff([]any{"/conformance/Tiltfile", 4242.0, "90s", ""}, s.table(t, path(name)).Rows[0].Cells[6:]); diff != "" {
			t.Errorf("Tiltfile, PID and duration (-want +got):\n%s", diff)
		}
	})
}

func (s *server) table(t *testing.T, at string) *metav1.Table {
	t.Helper()
	table := &metav1.Table{}
	s.get(t, at, acceptTable).want(http.StatusOK).into(table)
	if table.Kind != "Table" || table.APIVersion != "meta.k8s.io/v1" {
		t.Fatalf("type = %v", table.TypeMeta)
	}
	return table
}

func tableColumns(t *testing.T, s *server) {
	label := unique(t)
	session := s.create(t, labelled("list", label))
	one, many := s.table(t, path(session.Name)), s.table(t, sessionsPath+"?labelSelector=list="+label)
	if one.ResourceVersion != session.ResourceVersion || many.ResourceVersion == "" {
		t.Errorf("versions = %q and %q", one.ResourceVersion, many.ResourceVersion)
	}
	none := s.table(t, sessionsPath+"?labelSelector=list="+unique(t))
	if len(none.Rows) != 0 {
		t.Errorf("rows of an empty list: %v", none.Rows)
	}
	for _, table := range []*metav1.Table{one, many, none} {
		var short, wide []string
		for _, column := range table.ColumnDefinitions {
			if column.Description == "" || column.Type == "" {
				t.Errorf("column = %+v", column)
			}
			if column.Priority == 0 {
				short = append(short, strings.ToUpper(column.Name))
			} else {
				wide = append(wide, strings.ToUpper(column.Name))
			}
		}
		if diff := cmp.Diff([]string{"NAME", "EXIT CONDITION", "STATE", "TARGETS", "ERROR", "AGE"}, short); diff != "" {
			t.Errorf("columns (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"TILTFILE", "PID", "DURATION", "RUNNER"}, wide); diff != "" {
			t.Errorf("wide columns (-want +got):\n%s", diff)
		}
		if table.ColumnDefinitions[0].Format != "name" {
			t.Errorf("the first column isn't the name: %+v", table.ColumnDefinitions[0])
		}
	}
}

var age = regexp.MustCompile(`^\d+s$`)

func tableCells(t *testing.T, s *server) {
	name := s.create(t).Name
	started := metav1.NewMicroTime(time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC))
	job := func(state v1alpha1.TargetState) v1alpha1.Target {
		return v1alpha1.Target{Name: "a:update", Type: v1alpha1.TargetTypeJob, State: state}
	}
	succeeded := job(v1alpha1.TargetState{Terminated: &v1alpha1.TargetStateTerminated{}})
	failed := job(v1alpha1.TargetState{Terminated: &v1alpha1.TargetStateTerminated{Error: "exit status 1"}})
	waiting := job(v1alpha1.TargetState{Waiting: &v1alpha1.TargetStateWaiting{}})
	ready := v1alpha1.Target{Name: "a:serve", Type: v1alpha1.TargetTypeServer, State: v1alpha1.TargetState{
		Active: &v1alpha1.TargetStateActive{Ready: true}}}
	running := job(v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{}})
	disabled := job(v1alpha1.TargetState{Disabled: &v1alpha1.TargetStateDisabled{}})

	for _, row := range []struct {
		state, targets, error string
		status                v1alpha1.SessionStatus
	}{
		{"Pending", "0/0", "", v1alpha1.SessionStatus{}},
		{"Running", "1/4", "", v1alpha1.SessionStatus{PID: 1, StartTime: started,
			Targets: []v1alpha1.Target{succeeded, failed, waiting, running, disabled, job(v1alpha1.TargetState{})}}},
		{"Ready", "2/2", "", v1alpha1.SessionStatus{PID: 1, StartTime: started, Targets: []v1alpha1.Target{succeeded, ready},
			Conditions: []metav1.Condition{condition("Ready", metav1.ConditionTrue, "Ready")}}},
		{"Succeeded", "1/1", "", v1alpha1.SessionStatus{PID: 1, StartTime: started, Done: true, Targets: []v1alpha1.Target{succeeded}}},
		{"Failed", "0/1", "a: exit status 1", v1alpha1.SessionStatus{StartTime: started, Done: true, Error: "a: exit status 1\nmore",
			Targets: []v1alpha1.Target{failed}}},
		{"Timed Out", "0/0", "it took too long", v1alpha1.SessionStatus{StartTime: started, Done: true, Error: "it took too long",
			Conditions: []metav1.Condition{condition("Failed", metav1.ConditionTrue, "Timeout")}}},
	} {
		s.setStatus(t, name, row.status)
		cells := s.table(t, path(name)).Rows[0].Cells
		if diff := cmp.Diff([]any{name, "manual", row.state, row.targets, row.error}, cells[:5]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.state, diff)
		}
		if got, _ := cells[5].(string); !age.MatchString(got) {
			t.Errorf("age = %q", got)
		}
	}

	long := strings.Repeat("é", 500)
	s.setStatus(t, name, v1alpha1.SessionStatus{Done: true, Error: long})
	if got, _ := s.table(t, path(name)).Rows[0].Cells[4].(string); len([]rune(got)) > 80 || !strings.HasPrefix(got, "éé") || strings.ContainsRune(got, '\uFFFD') {
		t.Errorf("a long error is shown as %q", got)
	}
}

// tableObjects: a row has as much of its Session as includeObject requests.
func tableObjects(t *testing.T, s *server) {
	session := s.create(t)
	list := sessionsPath + "?fieldSelector=metadata.name=" + session.Name + "&"
	for query, kind := range map[string]string{
		"": "PartialObjectMetadata", "includeObject=Metadata": "PartialObjectMetadata", "includeObject=Object": "Session", "includeObject=None": "",
	} {
		for _, at := range []string{path(session.Name) + "?" + query, list + query} {
			raw := s.table(t, at).Rows[0].Object.Raw
			if kind == "" {
				if len(raw) != 0 && string(raw) != "null" {
					t.Errorf("%s: %s", at, raw)
				}
				continue
			}
			object := &unstructured.Unstructured{}
			if err := object.UnmarshalJSON(raw); err != nil {
				t.Errorf("%s: %v in %s", at, err, raw)
				continue
			}
			_, hasSpec := object.Object["spec"]
			if object.GetKind() != kind || object.GetUID() != session.UID || hasSpec != (kind == "Session") {
				t.Errorf("%s: %s", at, raw)
			}
		}
	}
	s.get(t, path(session.Name)+"?includeObject=Everything", acceptTable).failure(http.StatusBadRequest, metav1.StatusReasonBadRequest)
}
