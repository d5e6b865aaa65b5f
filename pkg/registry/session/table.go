// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/apiserver/pkg/registry/rest"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// maxErrorCell is how many characters of an error a table shows.
const maxErrorCell = 60

// columns are those of a table. Clients show the ones of priority 1 only when
// they're asked for the wide form.
func columns() []metav1.TableColumnDefinition {
	return []metav1.TableColumnDefinition{
		{Name: "Name", Type: "string", Format: "name", Description: "Name of the Session."},
		{Name: "Exit Condition", Type: "string", Description: "When the Session counts as finished: manual or ci."},
		{Name: "State", Type: "string", Description: "Pending, Running, Ready, Succeeded, Failed, Timed Out or Terminating."},
		{Name: "Targets", Type: "string", Description: "Targets that are ready or have succeeded, of those that are wanted."},
		{Name: "Error", Type: "string", Description: "The line that says most of why the Session has failed."},
		{Name: "Age", Type: "string", Description: "Time since the Session was created."},
		{Name: "Tiltfile", Type: "string", Priority: 1, Description: "Path of the Tiltfile."},
		{Name: "PID", Type: "integer", Format: "int64", Priority: 1, Description: "Process that runs the Session."},
		{Name: "Duration", Type: "string", Priority: 1, Description: "Time from the start of the run to its verdict, or until now."},
	}
}

// tableConvertor renders Sessions as rows for people.
type tableConvertor struct{ now func() time.Time }

var _ rest.TableConvertor = tableConvertor{}

func newTableConvertor() tableConvertor { return tableConvertor{now: time.Now} }

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
	return metav1.TableRow{
		Cells: []any{
			session.Name,
			string(session.Spec.ExitCondition),
			stateOf(session),
			targetsCell(session, reached, wanted),
			errorCell(v1alpha1.ErrorLine(session.Status.Error)),
			since(session.CreationTimestamp.Time, now),
			session.Spec.TiltfilePath,
			pidCell(session.Status.PID),
			since(session.Status.StartTime.Time, end(&session.Status, now)),
		},
		Object: runtime.RawExtension{Object: session},
	}
}

// targetsCell has a mark if the status doesn't hold all targets.
func targetsCell(session *v1alpha1.Session, reached, wanted int) string {
	cell := fmt.Sprintf("%d/%d", reached, wanted)
	if meta.IsStatusConditionTrue(session.Status.Conditions, v1alpha1.SessionConditionTruncated) {
		cell += "+"
	}
	return cell
}

func errorCell(line string) string {
	if characters := []rune(line); len(characters) > maxErrorCell {
		return string(characters[:maxErrorCell-1]) + "…"
	}
	return line
}

func pidCell(pid int64) any {
	if pid == 0 {
		return nil
	}
	return pid
}

// since is empty for a start that isn't known.
func since(start, end time.Time) string {
	if start.IsZero() {
		return ""
	}
	return duration.HumanDuration(end.Sub(start))
}

// end is when the verdict was reached, now if it hasn't been.
func end(status *v1alpha1.SessionStatus, now time.Time) time.Time {
	if !status.Done {
		return now
	}
	for _, verdict := range []string{v1alpha1.SessionConditionSucceeded, v1alpha1.SessionConditionFailed} {
		if condition := meta.FindStatusCondition(status.Conditions, verdict); condition != nil && condition.Status == metav1.ConditionTrue {
			return condition.LastTransitionTime.Time
		}
	}
	return now
}
