// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/authentication/user"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

func as(name string, groups ...string) context.Context {
	return genericapirequest.WithUser(context.Background(), &user.DefaultInfo{Name: name, Groups: groups})
}

func record(owner string) *v1alpha1.Runner {
	return &v1alpha1.Runner{
		ObjectMeta: metav1.ObjectMeta{Name: "one", UID: "a", ResourceVersion: "1"},
		Spec:       v1alpha1.RunnerSpec{User: owner, Capacity: 1, LeaseDurationSeconds: 15},
	}
}

func TestOwner(t *testing.T) {
	for name, c := range map[string]struct {
		ctx            context.Context
		writes, delete bool
	}{
		"the user":         {as("runner-1"), true, true},
		"another":          {as("runner-2"), false, false},
		"an administrator": {as("admin", user.SystemPrivilegedGroup), false, true},
		"no user":          {context.Background(), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			update := owned{rest.DefaultUpdatedObjectInfo(record("runner-1"))}
			_, err := update.UpdatedObject(c.ctx, record("runner-1"))
			if (err == nil) != c.writes || err != nil && !apierrors.IsForbidden(err) {
				t.Errorf("a write: %v", err)
			}
			err = mayDelete(rest.ValidateAllObjectFunc)(c.ctx, record("runner-1"))
			if (err == nil) != c.delete || err != nil && !apierrors.IsForbidden(err) {
				t.Errorf("a deletion: %v", err)
			}
		})
	}
}

func TestCreationRecordsTheUser(t *testing.T) {
	s := strategy{clientCA: func(context.Context) ([]byte, error) { return []byte("ca"), nil }}
	created := record("somebody-else")
	created.ResourceVersion, created.Spec.ClientCABundle = "", []byte("another")
	created.Status.Running = 3
	s.PrepareForCreate(as("runner-1"), created)
	if created.Spec.User != "runner-1" || string(created.Spec.ClientCABundle) != "ca" || created.Status.Running != 0 {
		t.Errorf("created: %+v", created)
	}
	if errs := s.Validate(as("runner-1"), created); len(errs) > 0 {
		t.Errorf("refused: %v", errs)
	}
	s.PrepareForCreate(context.Background(), created)
	if errs := s.Validate(context.Background(), created); len(errs) != 1 || errs[0].Type != field.ErrorTypeRequired {
		t.Errorf("without a user: %v", errs)
	}
}

func TestState(t *testing.T) {
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	for want, status := range map[string]v1alpha1.RunnerStatus{
		"New":      {},
		"Ready":    {RenewTime: ago(now, time.Second)},
		"Full":     {RenewTime: ago(now, time.Second), Running: 1},
		"Draining": {RenewTime: ago(now, time.Second), Running: 1, Draining: true},
		"Expired":  {RenewTime: ago(now, 16*time.Second), Draining: true},
	} {
		runner := record("a")
		runner.Status = status
		if got := stateOf(runner, now); got != want {
			t.Errorf("%+v is %s, want %s", status, got, want)
		}
	}
	if table, err := newTable().ConvertToTable(context.Background(), &v1alpha1.RunnerList{
		Items: []v1alpha1.Runner{*record("a"), *record("b")},
	}, nil); err != nil || len(table.Rows) != 2 || len(table.Rows[0].Cells) != len(table.ColumnDefinitions) {
		t.Errorf("table %+v, %v", table, err)
	}
	if _, err := newTable().ConvertToTable(context.Background(), runtime.Object(&v1alpha1.Session{}), nil); err == nil {
		t.Error("a Session is rendered as a Runner")
	}
}

func ago(now time.Time, d time.Duration) *metav1.MicroTime {
	at := metav1.NewMicroTime(now.Add(-d))
	return &at
}
