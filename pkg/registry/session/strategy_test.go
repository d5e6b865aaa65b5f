// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

func stored() *v1alpha1.Session {
	return &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{Name: "a", Generation: 3, ResourceVersion: "7", Labels: map[string]string{"a": "b"}},
		Spec:       v1alpha1.SessionSpec{TiltfilePath: "/src/Tiltfile", ExitCondition: v1alpha1.ExitConditionCI},
		Status:     v1alpha1.SessionStatus{PID: 5, Targets: []v1alpha1.Target{{Name: "t", Resources: []string{"r"}}}},
	}
}

func TestPrepareForUpdate(t *testing.T) {
	for name, test := range map[string]struct {
		write func(*v1alpha1.Session)
		// want changes the stored Session into the expected one.
		want       func(*v1alpha1.Session)
		wantStatus func(*v1alpha1.Session)
	}{
		"nothing": {
			write:      func(*v1alpha1.Session) {},
			want:       func(*v1alpha1.Session) {},
			wantStatus: func(*v1alpha1.Session) {},
		},
		"spec": {
			write: func(s *v1alpha1.Session) { s.Spec.ExitCondition = v1alpha1.ExitConditionManual },
			want: func(s *v1alpha1.Session) {
				s.Spec.ExitCondition = v1alpha1.ExitConditionManual
				s.Generation = 4
			},
			wantStatus: func(*v1alpha1.Session) {},
		},
		"a limit within spec": {
			write: func(s *v1alpha1.Session) {
				s.Spec.CI = &v1alpha1.SessionCISpec{Timeout: &metav1.Duration{Duration: time.Second}}
			},
			want: func(s *v1alpha1.Session) {
				s.Spec.CI = &v1alpha1.SessionCISpec{Timeout: &metav1.Duration{Duration: time.Second}}
				s.Generation = 4
			},
			wantStatus: func(*v1alpha1.Session) {},
		},
		"status": {
			write:      func(s *v1alpha1.Session) { s.Status.PID = 6 },
			want:       func(*v1alpha1.Session) {},
			wantStatus: func(s *v1alpha1.Session) { s.Status.PID = 6 },
		},
		"null targets": {
			write:      func(s *v1alpha1.Session) { s.Status.Targets = nil },
			want:       func(*v1alpha1.Session) {},
			wantStatus: func(s *v1alpha1.Session) { s.Status.Targets = []v1alpha1.Target{} },
		},
		"null resources": {
			write:      func(s *v1alpha1.Session) { s.Status.Targets[0].Resources = nil },
			want:       func(*v1alpha1.Session) {},
			wantStatus: func(s *v1alpha1.Session) { s.Status.Targets[0].Resources = []string{} },
		},
		"metadata": {
			write: func(s *v1alpha1.Session) {
				s.Labels, s.Finalizers = map[string]string{"c": "d"}, []string{"tilt.dev/x"}
			},
			want: func(s *v1alpha1.Session) {
				s.Labels, s.Finalizers = map[string]string{"c": "d"}, []string{"tilt.dev/x"}
			},
			wantStatus: func(*v1alpha1.Session) {},
		},
		"resourceVersion and managers": {
			write: func(s *v1alpha1.Session) {
				s.ResourceVersion, s.ManagedFields = "", []metav1.ManagedFieldsEntry{{Manager: "m"}}
			},
			want: func(s *v1alpha1.Session) {
				s.ResourceVersion, s.ManagedFields = "", []metav1.ManagedFieldsEntry{{Manager: "m"}}
			},
			wantStatus: func(s *v1alpha1.Session) {
				s.ResourceVersion, s.ManagedFields = "", []metav1.ManagedFieldsEntry{{Manager: "m"}}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			main := newStrategy(runtime.NewScheme())
			got, want := stored(), stored()
			test.write(got)
			test.want(want)
			main.PrepareForUpdate(t.Context(), got, stored())
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("main resource (-want +got):\n%s", diff)
			}

			got, want = stored(), stored()
			test.write(got)
			test.wantStatus(want)
			statusStrategy{main}.PrepareForUpdate(t.Context(), got, stored())
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPrepareForCreate(t *testing.T) {
	session := stored()
	newStrategy(runtime.NewScheme()).PrepareForCreate(t.Context(), session)
	want := stored()
	want.Generation = 1
	want.Status = v1alpha1.SessionStatus{Targets: []v1alpha1.Target{}}
	if diff := cmp.Diff(want, session); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
}

func TestValidation(t *testing.T) {
	main := newStrategy(runtime.NewScheme())
	session := stored()
	if errs := main.Validate(t.Context(), session); len(errs) != 1 || errs[0].Field != "metadata.resourceVersion" {
		t.Errorf("creation with a resourceVersion: %v", errs)
	}
	if errs := main.ValidateUpdate(t.Context(), session, stored()); len(errs) != 0 {
		t.Errorf("update with a resourceVersion: %v", errs)
	}
	session.Spec = v1alpha1.SessionSpec{}
	if errs := main.ValidateUpdate(t.Context(), session, stored()); len(errs) != 2 {
		t.Errorf("update without a spec: %v", errs)
	}
	session.Status.Targets[0].Type = "nonsense"
	if errs := (statusStrategy{main}).ValidateUpdate(t.Context(), session, stored()); len(errs) == 0 {
		t.Error("a target of an unknown type passes")
	}
}
