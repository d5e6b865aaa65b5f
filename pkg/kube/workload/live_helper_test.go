// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// The user of a helper is that of the container, whether the container, the pod or the image sets it.
func TestHelperSecurity(t *testing.T) {
	drop := &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}
	for name, test := range map[string]struct {
		container *corev1.SecurityContext
		pod       *corev1.PodSecurityContext
		user      *corev1.ContainerUser
		want      *corev1.SecurityContext
	}{
		"of the container": {&corev1.SecurityContext{RunAsUser: ptr.To[int64](7), Capabilities: drop}, nil, nil,
			&corev1.SecurityContext{RunAsUser: ptr.To[int64](7), Capabilities: drop}},
		"of the pod": {nil, &corev1.PodSecurityContext{RunAsUser: ptr.To[int64](7), RunAsNonRoot: ptr.To(true)}, nil,
			&corev1.SecurityContext{}},
		"of the status": {&corev1.SecurityContext{RunAsNonRoot: ptr.To(true)}, nil,
			&corev1.ContainerUser{Linux: &corev1.LinuxContainerUser{UID: 7, GID: 8}},
			&corev1.SecurityContext{RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To[int64](7), RunAsGroup: ptr.To[int64](8)}},
		"unknown": {nil, nil, nil, &corev1.SecurityContext{}},
		"unknown, without rights": {&corev1.SecurityContext{Capabilities: drop, ReadOnlyRootFilesystem: ptr.To(true)}, nil, nil,
			&corev1.SecurityContext{Capabilities: &corev1.Capabilities{Drop: drop.Drop, Add: []corev1.Capability{"SETUID", "SETGID"}}}},
		"unknown, never root": {nil, &corev1.PodSecurityContext{RunAsNonRoot: ptr.To(true)}, nil, nil},
		"unknown, perhaps root": {&corev1.SecurityContext{RunAsNonRoot: ptr.To(false)},
			&corev1.PodSecurityContext{RunAsNonRoot: ptr.To(true)}, nil, &corev1.SecurityContext{RunAsNonRoot: ptr.To(false)}},
	} {
		p := podWith("a", "web", "running", "1").Pod
		p.Spec.Containers[1].SecurityContext, p.Spec.SecurityContext = test.container, test.pod
		p.Status.ContainerStatuses[1].User = test.user
		got, err := (&container{pod: p, name: "app"}).helperSecurity()
		if (err == nil) != (test.want != nil) || err == nil && got.String() != test.want.String() {
			t.Errorf("%s: %v, %v; want %v", name, got, err, test.want)
		}
	}
}

func TestHelperState(t *testing.T) {
	ended := func(code int32, message string) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Message: message}}
	}
	waits := func(reason string) corev1.ContainerState {
		return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: "why"}}
	}
	for name, test := range map[string]struct {
		state corev1.ContainerState
		want  string
	}{
		"well":      {ended(0, "cp: no\n/tmp/x\n"), "/tmp/x  true <nil>"},
		"nothing":   {ended(0, ""), "exited with code 0: "},
		"read-only": {ended(1, "cp: Read-only file system"), "mount an emptyDir"},
		"rights":    {ended(1, "cp: Permission denied"), "its user may write nowhere"},
		"waits":     {waits("ContainerCreating"), " ContainerCreating why false <nil>"},
		"pulls":     {waits("ErrImagePull"), " ErrImagePull why false <nil>"},
		"no image":  {waits("ImagePullBackOff"), "doesn't start: ImagePullBackOff: why; if the cluster can't pull the image"},
		"runs":      {corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}, " it runs false <nil>"},
	} {
		p := &corev1.Pod{}
		helper := &corev1.EphemeralContainer{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "h"}}
		if _, state, done, err := helperState(p, helper); state == "" || done || err != nil {
			t.Errorf("without a status: %q, %t, %v", state, done, err)
		}
		p.Status.EphemeralContainerStatuses = []corev1.ContainerStatus{{Name: "other"}, {Name: "h", State: test.state}}
		program, state, done, err := helperState(p, helper)
		if got := fmt.Sprintf("%s %s %t %v", program, state, done, err); !strings.Contains(got, test.want) {
			t.Errorf("%s: %s", name, got)
		}
	}
}
