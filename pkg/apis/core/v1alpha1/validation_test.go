// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// beyond is read from 9999-12-31T23:59:59-23:00 and lies in the year 10000 in UTC.
var beyond = time.Date(9999, time.December, 31, 23, 59, 59, 0, time.FixedZone("", -23*60*60))

func validSession() *v1alpha1.Session {
	return &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{Name: "Tiltfile"},
		Spec:       v1alpha1.SessionSpec{TiltfilePath: "/src/Tiltfile", ExitCondition: v1alpha1.ExitConditionManual},
	}
}

func duration(d time.Duration) *metav1.Duration {
	return &metav1.Duration{Duration: d}
}

func seconds(n int32) *int32 { return &n }

func messages(errs field.ErrorList) []string {
	texts := []string{}
	for _, err := range errs {
		texts = append(texts, err.Error())
	}
	return texts
}

func TestValidateSpec(t *testing.T) {
	for _, test := range []struct {
		name string
		spec v1alpha1.SessionSpec
		want []string
	}{
		{"manual", v1alpha1.SessionSpec{TiltfilePath: "/Tiltfile", ExitCondition: "manual"}, nil},
		{"ci", v1alpha1.SessionSpec{TiltfilePath: "/Tiltfile", ExitCondition: "ci", CI: &v1alpha1.SessionCISpec{}}, nil},
		{"limits are kept without being used", v1alpha1.SessionSpec{
			TiltfilePath: "/Tiltfile", ExitCondition: "manual",
			CI: &v1alpha1.SessionCISpec{Timeout: duration(time.Hour), ReadinessTimeout: duration(0), K8sGracePeriod: duration(1)},
		}, nil},
		{"settings", v1alpha1.SessionSpec{
			TiltfilePath: "/Tiltfile", ExitCondition: "manual",
			Args: []string{"", strings.Repeat("a", 256<<10)}, KeepGoing: true, TTLSecondsAfterFinished: seconds(0),
		}, nil},
		{"empty", v1alpha1.SessionSpec{}, []string{
			`spec.tiltfilePath: Required value: cannot be empty`,
			`spec.exitCondition: Required value: valid values: manual, ci`,
		}},
		{"everything wrong at once", v1alpha1.SessionSpec{
			ExitCondition: "nope",
			CI:            &v1alpha1.SessionCISpec{Timeout: duration(-time.Minute), ReadinessTimeout: duration(-1), K8sGracePeriod: duration(-time.Second)},
			Args:          []string{strings.Repeat("a", 256<<10), "b"}, TTLSecondsAfterFinished: seconds(-1),
		}, []string{
			`spec.tiltfilePath: Required value: cannot be empty`,
			`spec.exitCondition: Unsupported value: "nope": valid values: manual, ci`,
			`spec.ci.timeout: Invalid value: "-1m0s": must not be negative`,
			`spec.ci.readinessTimeout: Invalid value: "-1ns": must not be negative`,
			`spec.ci.k8sGracePeriod: Invalid value: "-1s": must not be negative`,
			`spec.args: Too long: may not be more than 262144 bytes`,
			`spec.ttlSecondsAfterFinished: Invalid value: -1: must not be negative`,
		}},
		{"values are case-sensitive", v1alpha1.SessionSpec{TiltfilePath: "/Tiltfile", ExitCondition: "CI"}, []string{
			`spec.exitCondition: Unsupported value: "CI": valid values: manual, ci`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			session := validSession()
			session.Spec = test.spec
			want := append([]string{}, test.want...)
			if diff := cmp.Diff(want, messages(v1alpha1.ValidateSession(session))); diff != "" {
				t.Errorf("of a new Session (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(want, messages(v1alpha1.ValidateSessionUpdate(session, validSession()))); diff != "" {
				t.Errorf("of an update (-want +got):\n%s", diff)
			}
		})
	}
}

func TestValidateNames(t *testing.T) {
	for name, valid := range map[string]bool{
		"Tiltfile":                true,
		"a":                       true,
		"my session:1":            true,
		"ünïcode":                 true,
		strings.Repeat("x", 1024): true,
		strings.Repeat("x", 1025): false,
		strings.Repeat("ü", 513):  false,
		"":                        false,
		".":                       false,
		"..":                      false,
		"a/b":                     false,
		"50%":                     false,
	} {
		session := validSession()
		session.Name = name
		if got := len(v1alpha1.ValidateSession(session)) == 0; got != valid {
			t.Errorf("name %q is valid: %t, want %t", name, got, valid)
		}
	}
}

func TestValidateMetadata(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*v1alpha1.Session)
		want   []string // fields
	}{
		{"a namespace", func(s *v1alpha1.Session) { s.Namespace = "default" }, []string{"metadata.namespace"}},
		{"a label key", func(s *v1alpha1.Session) { s.Labels = map[string]string{"a b": ""} }, []string{"metadata.labels"}},
		{"together with the spec", func(s *v1alpha1.Session) { s.Name, s.Spec.TiltfilePath = "a/b", "" }, []string{"metadata.name", "spec.tiltfilePath"}},
		{"a generated name's prefix may end in a dot", func(s *v1alpha1.Session) { s.GenerateName = "." }, nil},
		{"a generated name's prefix", func(s *v1alpha1.Session) { s.GenerateName = "a/" }, []string{"metadata.generateName"}},
		{"times that couldn't be read again", func(s *v1alpha1.Session) {
			s.CreationTimestamp = metav1.NewTime(beyond)
			s.DeletionTimestamp = &s.CreationTimestamp
			s.ManagedFields = []metav1.ManagedFieldsEntry{{
				Manager: "kubectl", Operation: metav1.ManagedFieldsOperationUpdate, FieldsType: "FieldsV1", Time: &s.CreationTimestamp,
			}}
		}, []string{"metadata.creationTimestamp", "metadata.deletionTimestamp", "metadata.managedFields[0].time"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			session := validSession()
			test.change(session)
			var got []string
			for _, err := range v1alpha1.ValidateSession(session) {
				got = append(got, err.Field)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("fields refused (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUpdatesRefuseTimesThatCouldNotBeReadAgain(t *testing.T) {
	session := validSession()
	session.CreationTimestamp = metav1.NewTime(beyond)
	want := []string{`metadata.creationTimestamp: Invalid value: "9999-12-31 23:59:59 -2300 -2300": must be between the years 0000 and 9999 in UTC`}
	if diff := cmp.Diff(want, messages(v1alpha1.ValidateSessionUpdate(session, validSession()))); diff != "" {
		t.Errorf("of the main resource (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, messages(v1alpha1.ValidateSessionStatusUpdate(session, validSession()))); diff != "" {
		t.Errorf("of the status (-want +got):\n%s", diff)
	}
}
