// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"fmt"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/apiserver/pkg/registry/rest"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// columns are the columns of a table. Clients show those of priority 1 in the wide form alone.
func columns() []metav1.TableColumnDefinition {
	return []metav1.TableColumnDefinition{
		{Name: "Name", Type: "string", Format: "name", Description: "Name of the Runner."},
		{Name: "State", Type: "string",
			Description: "New, Ready, Full or Draining, or Expired if the last renewal is longer ago than the lease."},
		{Name: "Running", Type: "integer", Format: "int32", Description: "Sessions that the Runner runs."},
		{Name: "Capacity", Type: "integer", Format: "int32", Description: "Sessions that the Runner runs at most."},
		{Name: "Renewed", Type: "string", Description: "Time since the Runner last renewed its record, by its own clock."},
		{Name: "Age", Type: "string", Description: "Time since the Runner registered."},
		{Name: "Labels", Type: "string", Priority: 1, Description: "Labels that Sessions select Runners by."},
		{Name: "Endpoint", Type: "string", Priority: 1, Description: "Address at which the API server reaches its runs."},
		{Name: "User", Type: "string", Priority: 1, Description: "User that alone may change the Runner."},
	}
}

// table renders Runners as rows for people.
type table struct{ now func() time.Time }

var _ rest.TableConvertor = table{}

func newTable() table { return table{now: time.Now} }

// ConvertToTable renders a Runner or a list of them.
func (t table) ConvertToTable(_ context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	rendered := &metav1.Table{Rows: []metav1.TableRow{}}
	now := t.now()
	switch obj := obj.(type) {
	case *v1alpha1.Runner:
		rendered.ResourceVersion = obj.ResourceVersion
		rendered.Rows = append(rendered.Rows, row(obj, now))
	case *v1alpha1.RunnerList:
		rendered.ListMeta = obj.ListMeta
		for i := range obj.Items {
			rendered.Rows = append(rendered.Rows, row(&obj.Items[i], now))
		}
	default:
		return nil, apierrors.NewGenericServerResponse(http.StatusNotAcceptable, "", v1alpha1.Resource("runners"), "",
			fmt.Sprintf("%T can't be rendered as a table", obj), 0, true)
	}
	if tableOptions, ok := options.(*metav1.TableOptions); !ok || !tableOptions.NoHeaders {
		rendered.ColumnDefinitions = columns()
	}
	return rendered, nil
}

// row has one cell for each of columns.
func row(runner *v1alpha1.Runner, now time.Time) metav1.TableRow {
	return metav1.TableRow{
		Cells: []any{
			runner.Name,
			stateOf(runner, now),
			runner.Status.Running,
			runner.Spec.Capacity,
			since(renewTime(runner), now),
			since(runner.CreationTimestamp.Time, now),
			labels.FormatLabels(runner.Labels),
			runner.Spec.Endpoint,
			runner.Spec.User,
		},
		Object: runtime.RawExtension{Object: runner},
	}
}

func renewTime(runner *v1alpha1.Runner) time.Time {
	if runner.Status.RenewTime == nil {
		return time.Time{}
	}
	return runner.Status.RenewTime.Time
}

// stateOf returns the state of a Runner for people. It compares the clocks of two machines, so it decides nothing.
func stateOf(runner *v1alpha1.Runner, now time.Time) string {
	renewed := renewTime(runner)
	switch {
	case renewed.IsZero():
		return "New"
	case now.Sub(renewed) > time.Duration(runner.Spec.LeaseDurationSeconds)*time.Second:
		return "Expired"
	case runner.Status.Draining:
		return "Draining"
	case runner.Status.Running >= runner.Spec.Capacity:
		return "Full"
	default:
		return "Ready"
	}
}

// since returns a duration, or an empty string if the start is unknown.
func since(start, now time.Time) string {
	if start.IsZero() {
		return ""
	}
	return duration.HumanDuration(max(now.Sub(start), 0))
}
