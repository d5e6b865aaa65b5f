// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// change returns what a client may send: the Session with none or some of its
// fields changed, whether the resource allows it or not.
func (s *sequence) change(session *v1alpha1.Session) *v1alpha1.Session {
	sent := session.DeepCopy()
	for range s.choose(4) {
		switch s.choose(4) {
		case 0:
			s.changeMetadata(&sent.ObjectMeta)
		case 1:
			s.changeServerMetadata(&sent.ObjectMeta)
		case 2:
			s.changeSpec(&sent.Spec)
		default:
			s.changeStatus(&sent.Status)
		}
	}
	return sent
}

func (s *sequence) changeMetadata(meta *metav1.ObjectMeta) {
	switch s.choose(6) {
	case 0:
		meta.Labels = map[string]string{"a": s.text()}
	case 1:
		meta.Annotations = map[string]string{"b": s.text()}
	case 2:
		meta.Finalizers = append(meta.Finalizers, "tilt.dev/"+s.text())
	case 3:
		meta.Finalizers = nil
	case 4:
		meta.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "c", UID: types.UID(s.text())}}
	default:
		meta.Labels, meta.Annotations, meta.OwnerReferences = nil, nil, nil
	}
}

// changeServerMetadata changes fields that the server alone may change.
func (s *sequence) changeServerMetadata(meta *metav1.ObjectMeta) {
	at := metav1.NewTime(epoch.Add(time.Duration(s.choose(3)) * time.Hour))
	switch s.choose(7) {
	case 0:
		meta.ResourceVersion = ""
	case 1:
		meta.ResourceVersion = s.text()
	case 2:
		meta.Generation = int64(s.choose(9)) - 1
	case 3:
		meta.UID = types.UID(s.text())
	case 4:
		meta.CreationTimestamp = at
	case 5:
		meta.DeletionTimestamp = &at
	default:
		meta.DeletionTimestamp, meta.UID = nil, ""
	}
}

func (s *sequence) changeSpec(spec *v1alpha1.SessionSpec) {
	duration := &metav1.Duration{Duration: time.Duration(s.choose(4)-1) * time.Second}
	switch s.choose(5) {
	case 0:
		spec.TiltfilePath = "/" + s.text()
	case 1:
		spec.ExitCondition = []v1alpha1.ExitCondition{v1alpha1.ExitConditionCI, v1alpha1.ExitConditionManual, ""}[s.choose(3)]
	case 2:
		spec.CI = &v1alpha1.SessionCISpec{}
	case 3:
		spec.CI = &v1alpha1.SessionCISpec{Timeout: duration}
	default:
		spec.CI = nil
	}
}

func (s *sequence) changeStatus(status *v1alpha1.SessionStatus) {
	at := epoch.Add(time.Duration(s.choose(3)) * time.Second)
	switch s.choose(7) {
	case 0:
		status.PID = int64(s.choose(4)) - 1
	case 1:
		status.StartTime = metav1.NewMicroTime(at)
	case 2:
		status.Done, status.Error = s.choose(2) == 1, s.text()
	case 3:
		status.Targets = append(status.Targets, s.target(at))
	case 4:
		status.Targets = nil
	case 5:
		status.Conditions = []metav1.Condition{condition([]string{"Ready", "Failed", ""}[s.choose(3)], metav1.ConditionTrue, "Reason", at)}
	default:
		*status = v1alpha1.SessionStatus{}
	}
}

func (s *sequence) target(at time.Time) v1alpha1.Target {
	target := v1alpha1.Target{Name: s.text(), Type: []v1alpha1.TargetType{v1alpha1.TargetTypeJob, v1alpha1.TargetTypeServer, ""}[s.choose(3)]}
	switch s.choose(4) {
	case 0:
		target.State.Active = &v1alpha1.TargetStateActive{StartTime: metav1.NewMicroTime(at), Ready: s.choose(2) == 1}
	case 1:
		target.State.Terminated = &v1alpha1.TargetStateTerminated{StartTime: metav1.NewMicroTime(at), FinishTime: metav1.NewMicroTime(at), Error: s.text()}
	case 2:
		target.State.Waiting = &v1alpha1.TargetStateWaiting{WaitReason: s.text()}
	default:
		target.Resources = []string{s.text()}
	}
	return target
}
