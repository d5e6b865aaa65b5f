// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func condition(kind string, status metav1.ConditionStatus, reason string, at time.Time) metav1.Condition {
	return metav1.Condition{Type: kind, Status: status, Reason: reason, LastTransitionTime: metav1.NewTime(at)}
}

func TestStateWord(t *testing.T) {
	started := metav1.NewMicroTime(epoch)
	for want, statuses := range map[string][]v1alpha1.SessionStatus{
		"Pending": {{}},
		"Running": {
			{PID: 1},
			{StartTime: started},
			{PID: 1, Conditions: []metav1.Condition{condition("Ready", metav1.ConditionFalse, "Waiting", epoch)}},
		},
		"Ready":     {{PID: 1, Conditions: []metav1.Condition{condition("Ready", metav1.ConditionTrue, "Ready", epoch)}}},
		"Succeeded": {{Done: true}, {Done: true, Conditions: []metav1.Condition{condition("Ready", metav1.ConditionTrue, "Ready", epoch)}}},
		"Failed": {
			{Done: true, Error: "x"},
			{Done: true, Error: "x", Conditions: []metav1.Condition{condition("Failed", metav1.ConditionTrue, "TargetFailed", epoch)}},
		},
		"Timed Out": {
			{Done: true, Error: "x", Conditions: []metav1.Condition{condition("Failed", metav1.ConditionTrue, "Timeout", epoch)}},
			{Done: true, Error: "x", Conditions: []metav1.Condition{condition("Failed", metav1.ConditionTrue, "ReadinessTimeout", epoch)}},
		},
	} {
		for _, status := range statuses {
			if got := stateOf(&v1alpha1.Session{Status: status}); got != want {
				t.Errorf("%s, want %s: %+v", got, want, status)
			}
			deleted := &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: &metav1.Time{Time: epoch}}, Status: status}
			if got := stateOf(deleted); got != "Terminating" {
				t.Errorf("%s, want Terminating: %+v", got, deleted)
			}
		}
	}
}

func TestProgress(t *testing.T) {
	active := func(ready bool) v1alpha1.TargetState {
		return v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{Ready: ready}}
	}
	terminated := func(err string) v1alpha1.TargetState {
		return v1alpha1.TargetState{Terminated: &v1alpha1.TargetStateTerminated{Error: err}}
	}
	targets := []v1alpha1.Target{
		{Type: v1alpha1.TargetTypeServer, State: active(true)},  // reached
		{Type: v1alpha1.TargetTypeServer, State: active(false)}, // wanted
		{Type: v1alpha1.TargetTypeServer, State: terminated("exited")},
		{Type: v1alpha1.TargetTypeJob, State: active(false)},
		{Type: v1alpha1.TargetTypeJob, State: terminated("")}, // reached
		{Type: v1alpha1.TargetTypeJob, State: terminated("failed")},
		{Type: v1alpha1.TargetTypeJob, State: v1alpha1.TargetState{Waiting: &v1alpha1.TargetStateWaiting{}}},
		{Type: v1alpha1.TargetTypeJob}, // not requested
		{Type: v1alpha1.TargetTypeJob, State: v1alpha1.TargetState{Disabled: &v1alpha1.TargetStateDisabled{}}},
	}
	if reached, wanted := progress(targets); reached != 2 || wanted != 7 {
		t.Errorf("%d/%d, want 2/7", reached, wanted)
	}
}

func TestRow(t *testing.T) {
	session := &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{Name: "a", CreationTimestamp: metav1.NewTime(epoch)},
		Spec:       v1alpha1.SessionSpec{TiltfilePath: "/src/Tiltfile", ExitCondition: v1alpha1.ExitConditionCI},
		Status: v1alpha1.SessionStatus{
			Runner: &v1alpha1.SessionRunner{Name: "one"},
			PID:    9, StartTime: metav1.NewMicroTime(epoch.Add(time.Second)), Done: true,
			Error:      "first " + strings.Repeat("é", 100) + "\nsecond",
			Conditions: []metav1.Condition{condition("Failed", metav1.ConditionTrue, "Timeout", epoch.Add(31*time.Second))},
		},
	}
	want := []any{"a", "ci", "Timed Out", "0/0", "first " + strings.Repeat("é", 53) + "…", "2m", "/src/Tiltfile", int64(9), "30s", "one"}
	if diff := cmp.Diff(want, row(session, epoch.Add(2*time.Minute)).Cells); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
	want = []any{"", "", "Pending", "0/0", "", "", "", nil, "", ""}
	if diff := cmp.Diff(want, row(&v1alpha1.Session{}, epoch).Cells); diff != "" {
		t.Errorf("cells of an empty Session (-want +got):\n%s", diff)
	}
}

func TestConvertToTable(t *testing.T) {
	convertor := tableConvertor{now: func() time.Time { return epoch }}
	remaining := int64(4)
	list := &v1alpha1.SessionList{
		ListMeta: metav1.ListMeta{ResourceVersion: "8", Continue: "more", RemainingItemCount: &remaining},
		Items:    []v1alpha1.Session{{}, {}},
	}
	table, err := convertor.ConvertToTable(t.Context(), list, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(list.ListMeta, table.ListMeta); diff != "" {
		t.Error(diff)
	}
	if len(table.Rows) != 2 || table.Rows[1].Object.Object != &list.Items[1] {
		t.Errorf("rows = %+v", table.Rows)
	}
	for _, row := range table.Rows {
		if len(row.Cells) != len(table.ColumnDefinitions) {
			t.Errorf("%d cells for %d columns", len(row.Cells), len(table.ColumnDefinitions))
		}
	}
	for _, column := range table.ColumnDefinitions {
		if column.Description == "" {
			t.Errorf("%s isn't described", column.Name)
		}
	}
	table, err = convertor.ConvertToTable(t.Context(), &v1alpha1.Session{}, &metav1.TableOptions{NoHeaders: true})
	if err != nil || len(table.ColumnDefinitions) != 0 || len(table.Rows) != 1 {
		t.Errorf("table = %+v, %v", table, err)
	}
	if _, err := convertor.ConvertToTable(t.Context(), &metav1.Status{}, nil); err == nil {
		t.Error("a Status became a table of Sessions")
	}
}
