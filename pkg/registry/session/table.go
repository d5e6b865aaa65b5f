// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"fmt"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/apiserver/pkg/registry/rest"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/text"
)

// maxErrorCell is the maximum number of characters of an error in a table.
const maxErrorCell = 60

// columns are the columns of a table. Clients show those of priority 1 in the wide form alone.
func columns() []metav1.TableColumnDefinition {
	return []metav1.TableColumnDefinition{
		{Name: "Name", Type: "string", Format: "name", Description: "Name of the Session."},
		{Name: "Exit Condition", Type: "string", Description: "When the Session counts as finished: manual or ci."},
		{Name: "State", Type: "string", Description: "Pending, Running, Ready, Succeeded, Failed, Timed Out or Terminating."},
		{Name: "Targets", Type: "string",
			Description: "Targets that are ready or have succeeded, of those that are requested."},
		{Name: "Error", Type: "string", Description: "The main line of the error with which the Session failed."},
		{Name: "Age", Type: "string", Description: "Time since the Session was created."},
		{Name: "Tiltfile", Type: "string", Priority: 1, Description: "Path of the Tiltfile."},
		{Name: "PID", Type: "integer", Format: "int64", Priority: 1, Description: "Process that runs the Session."},
		{Name: "Duration", Type: "string", Priority: 1,
			Description: "Time from the start of the run to its verdict, or until now."},
		{Name: "Runner", Type: "string", Priority: 1, Description: "Runner that has claimed the Session."},
	}
}

// tableConvertor renders Sessions as rows for people.
type tableConvertor struct{ now func() time.Time }

var _ rest.TableConvertor = tableConvertor{}

// NewTableConvertor returns the renderer of tables, for servers that keep Sessions in a store of their own.
func NewTableConvertor() rest.TableConvertor { return tableConvertor{now: time.Now} }

// ConvertToTable renders a Session or a list of them.
func (c tableConvertor) ConvertToTable(_ context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	table := &metav1.Table{Rows: []metav1.TableRow{}}
	now := c.now()
	switch obj := obj.(type) {
	case *v1alpha1.Session:
		table.ResourceVersion = obj.ResourceVersion
		table.Rows = append(table.Rows, row(obj, now))
	case *v1alpha1.SessionList:
		table.ListMeta = obj.ListMeta
		for i := range obj.Items {
			table.Rows = append(table.Rows, row(&obj.Items[i], now))
		}
	default:
		return nil, apierrors.NewGenericServerResponse(http.StatusNotAcceptable, "", v1alpha1.Resource("sessions"), "",
			fmt.Sprintf("%T can't be rendered as a table", obj), 0, true)
	}
	if tableOptions, ok := options.(*metav1.TableOptions); !ok || !tableOptions.NoHeaders {
		table.ColumnDefinitions = columns()
	}
	return table, nil
}

// row has one cell for each of columns.
func row(session *v1alpha1.Session, now time.Time) metav1.TableRow {
	reached, wanted := progress(session.Status.Targets)
	var pid any
	if session.Status.PID != 0 {
		pid = session.Status.PID
	}
	return metav1.TableRow{
		Cells: []any{
			session.Name,
			string(session.Spec.ExitCondition),
			stateOf(session),
			targetsCell(session, reached, wanted),
			text.Cut(text.ErrorLine(session.Status.Error), maxErrorCell),
			since(session.CreationTimestamp.Time, now),
			session.Spec.TiltfilePath,
			pid,
			since(session.Status.StartTime.Time, end(&session.Status, now)),
			runnerCell(session.Status.Runner),
		},
		Object: runtime.RawExtension{Object: session},
	}
}

func runnerCell(claim *v1alpha1.SessionRunner) string {
	if claim == nil {
		return ""
	}
	return claim.Name
}

// targetsCell returns the counts, with a "+" if the status omits targets.
func targetsCell(session *v1alpha1.Session, reached, wanted int) string {
	cell := fmt.Sprintf("%d/%d", reached, wanted)
	if meta.IsStatusConditionTrue(session.Status.Conditions, v1alpha1.SessionConditionTruncated) {
		cell += "+"
	}
	return cell
}

// since returns a duration, or an empty string if the start is unknown.
func since(start, end time.Time) string {
	if start.IsZero() {
		return ""
	}
	return duration.HumanDuration(end.Sub(start))
}

// end returns the time of the verdict, or now if there is none.
func end(status *v1alpha1.SessionStatus, now time.Time) time.Time {
	if !status.Done {
		return now
	}
	for _, c := range status.Conditions {
		verdict := c.Type == v1alpha1.SessionConditionSucceeded || c.Type == v1alpha1.SessionConditionFailed
		if verdict && c.Status == metav1.ConditionTrue {
			return c.LastTransitionTime.Time
		}
	}
	return now
}

// stateOf returns the state of a Session as tables show it.
func stateOf(session *v1alpha1.Session) string {
	switch status := &session.Status; {
	case session.DeletionTimestamp != nil:
		return "Terminating"
	case status.Done && status.Error == "":
		return "Succeeded"
	case status.Done:
		failed := meta.FindStatusCondition(status.Conditions, v1alpha1.SessionConditionFailed)
		if failed != nil && (failed.Reason == "Timeout" || failed.Reason == "ReadinessTimeout") {
			return "Timed Out"
		}
		return "Failed"
	case meta.IsStatusConditionTrue(status.Conditions, v1alpha1.SessionConditionReady):
		return "Ready"
	case status.PID == 0 && status.StartTime.IsZero():
		return "Pending"
	default:
		return "Running"
	}
}

// progress counts the requested targets, and those of them that are ready or have succeeded.
func progress(targets []v1alpha1.Target) (reached, requested int) {
	for i := range targets {
		state := &targets[i].State
		if state.Active != nil || state.Terminated != nil || state.Waiting != nil {
			requested++
		}
		if state.Active != nil && state.Active.Ready && targets[i].Type == v1alpha1.TargetTypeServer ||
			state.Terminated != nil && state.Terminated.Error == "" {
			reached++
		}
	}
	return reached, requested
}
