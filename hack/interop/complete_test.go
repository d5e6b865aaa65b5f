// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package interop_test

import (
	"reflect"
	"testing"
	"time"

	tilt "github.com/tilt-dev/tilt/pkg/apis/core/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// complete is a Session in which every field of Tilt's types is set somewhere.
func complete(t *testing.T, name string) *tilt.Session {
	t.Helper()
	at := func(second int) metav1.MicroTime {
		return metav1.NewMicroTime(time.Date(2026, 1, 2, 3, 4, second, 123456000, time.UTC).Local())
	}
	limit := func(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }
	session := &tilt.Session{
		ObjectMeta: metav1.ObjectMeta{
			Name:            name,
			Labels:          map[string]string{"team": "a"},
			Annotations:     map[string]string{tilt.AnnotationManifest: "(Tiltfile)"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: "n", UID: "u"}},
		},
		Spec: tilt.SessionSpec{
			TiltfilePath:  "/src/Tiltfile",
			ExitCondition: tilt.ExitConditionCI,
			CI: &tilt.SessionCISpec{
				K8sGracePeriod: limit(time.Second), Timeout: limit(90 * time.Minute), ReadinessTimeout: limit(1500 * time.Millisecond),
			},
		},
		Status: tilt.SessionStatus{
			PID:       1 << 40,
			StartTime: at(0),
			Done:      true,
			Error:     "b: exit status 1",
			Targets: []tilt.Target{
				{Name: "a:serve", Type: tilt.TargetTypeServer, Resources: []string{"a", "b"}, State: tilt.TargetState{
					Active: &tilt.TargetStateActive{StartTime: at(1), Ready: true, LastReadyTime: at(2)}}},
				{Name: "b:update", Type: tilt.TargetTypeJob, Resources: []string{"b"}, State: tilt.TargetState{
					Terminated: &tilt.TargetStateTerminated{StartTime: at(1), FinishTime: at(3), Error: "exit status 1",
						GraceStatus: tilt.TargetGraceTolerated}}},
				{Name: "c:update", Type: tilt.TargetTypeJob, Resources: []string{"c"}, State: tilt.TargetState{
					Waiting: &tilt.TargetStateWaiting{WaitReason: "on-dep"}}},
				{Name: "d:update", Type: tilt.TargetTypeJob, Resources: []string{"d"}, State: tilt.TargetState{
					Disabled: &tilt.TargetStateDisabled{}}},
			},
		},
	}
	set := map[string]bool{}
	visit(reflect.ValueOf(session.Spec), set)
	visit(reflect.ValueOf(session.Status), set)
	for field, isSet := range set {
		if !isSet {
			t.Errorf("the test leaves %s unset: Tilt's types have grown", field)
		}
	}
	return session
}

// visit notes for each field of Tilt's own structs below value whether it's set
// in at least one of them.
func visit(value reflect.Value, set map[string]bool) {
	switch value.Kind() {
	case reflect.Pointer:
		if !value.IsNil() {
			visit(value.Elem(), set)
		}
	case reflect.Slice:
		for i := range value.Len() {
			visit(value.Index(i), set)
		}
	case reflect.Struct:
		if value.Type().PkgPath() != reflect.TypeFor[tilt.Session]().PkgPath() {
			return
		}
		for i := range value.NumField() {
			field := value.Type().Name() + "." + value.Type().Field(i).Name
			set[field] = set[field] || !value.Field(i).IsZero()
			visit(value.Field(i), set)
		}
	}
}
