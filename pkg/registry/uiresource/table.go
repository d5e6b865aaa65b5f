// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package uiresource

import (
	"context"
	"fmt"
	"net/http"
	"strings"
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

// table renders objects of one kind as rows for people.
type table struct {
	columns []metav1.TableColumnDefinition
	cells   func(obj runtime.Object) []any
}

var _ rest.TableConvertor = table{}

// resourceTable has the columns of UIResources.
func resourceTable() table {
	return table{
		columns: []metav1.TableColumnDefinition{
			{Name: "Name", Type: "string", Format: "name", Description: "Name of the resource."},
			{Name: "Update", Type: "string", Description: "How what runs to an end is."},
			{Name: "Runtime", Type: "string", Description: "How what keeps running is."},
			{Name: "Last Deploy", Type: "string", Description: "Time since the last update that succeeded."},
			{Name: "Waiting For", Type: "string", Description: "Why the resource waits, and for what."},
			{Name: "Age", Type: "string", Description: "Time since the run began."},
			{Name: "Error", Type: "string", Priority: 1, Description: "The main line of the error of the last update."},
			{Name: "Links", Type: "string", Priority: 1, Description: "Addresses of the resource."},
		},
		cells: func(obj runtime.Object) []any {
			r := obj.(*v1alpha1.UIResource)
			status := &r.Status
			var waiting, failed string
			if w := status.Waiting; w != nil {
				var on []string
				for _, ref := range w.On {
					on = append(on, ref.Name)
				}
				waiting = strings.TrimSpace(w.Reason + " " + strings.Join(on, ","))
			}
			if len(status.BuildHistory) > 0 {
				failed = text.Cut(text.ErrorLine(status.BuildHistory[0].Error), maxErrorCell)
			}
			links := make([]string, len(status.EndpointLinks))
			for i, link := range status.EndpointLinks {
				links[i] = link.URL
			}
			return []any{
				r.Name, string(status.UpdateStatus), string(status.RuntimeStatus), since(status.LastDeployTime.Time), waiting,
				since(r.CreationTimestamp.Time), failed, strings.Join(links, ","),
			}
		},
	}
}

// buttonTable has the columns of UIButtons.
func buttonTable() table {
	return table{
		columns: []metav1.TableColumnDefinition{
			{Name: "Name", Type: "string", Format: "name", Description: "Name of the button."},
			{Name: "Text", Type: "string", Description: "What the button says."},
			{Name: "Location", Type: "string", Description: "Where the button is shown."},
			{Name: "Last Clicked", Type: "string", Description: "Time since the button was last pressed."},
			{Name: "Age", Type: "string", Description: "Time since the run began."},
		},
		cells: func(obj runtime.Object) []any {
			b := obj.(*v1alpha1.UIButton)
			return []any{
				b.Name, b.Spec.Text, b.Spec.Location.ComponentType + "/" + b.Spec.Location.ComponentID,
				since(b.Status.LastClickedAt.Time), since(b.CreationTimestamp.Time),
			}
		},
	}
}

// ConvertToTable renders an object or a list of them.
func (t table) ConvertToTable(_ context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	rendered := &metav1.Table{Rows: []metav1.TableRow{}}
	add := func(obj runtime.Object) error {
		row := metav1.TableRow{Cells: t.cells(obj), Object: runtime.RawExtension{Object: obj}}
		rendered.Rows = append(rendered.Rows, row)
		return nil
	}
	switch obj := obj.(type) {
	case object:
		rendered.ResourceVersion = obj.GetResourceVersion()
		_ = add(obj)
	case metav1.ListInterface:
		rendered.ListMeta = metav1.ListMeta{
			ResourceVersion: obj.GetResourceVersion(), Continue: obj.GetContinue(),
			RemainingItemCount: obj.GetRemainingItemCount(),
		}
		if err := meta.EachListItem(obj.(runtime.Object), add); err != nil {
			return nil, err
		}
	default:
		return nil, apierrors.NewGenericServerResponse(http.StatusNotAcceptable, "", v1alpha1.Resource("uiresources"), "",
			fmt.Sprintf("%T can't be rendered as a table", obj), 0, true)
	}
	if tableOptions, ok := options.(*metav1.TableOptions); !ok || !tableOptions.NoHeaders {
		rendered.ColumnDefinitions = t.columns
	}
	return rendered, nil
}

// since is the time since a moment, or an empty string if there was none.
func since(moment time.Time) string {
	if moment.IsZero() {
		return ""
	}
	return duration.HumanDuration(time.Since(moment))
}
