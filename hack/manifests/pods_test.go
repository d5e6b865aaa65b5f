// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package manifests_test

import (
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"
)

// Every pod is one that the "restricted" level of Pod Security admits, can't write
// to its image, and has what it refers to.
func TestPods(t *testing.T) {
	t.Parallel()
	eachInstallation(t, func(t *testing.T, i *installation) {
		ns := the[corev1.Namespace](t, i, namespace)
		if level := ns.Labels["pod-security.kubernetes.io/enforce"]; level != "restricted" {
			t.Errorf("the namespace admits pods that are %q", level)
		}
		for _, w := range i.workloads() {
			checkRestricted(t, w.name, w.pods.Spec)
			checkVolumes(t, i, w)
			if !selects(t, w.selector, w.pods.Labels) {
				t.Errorf("%s: the selector doesn't select its pods", w.name)
			}
			for _, c := range w.pods.Spec.Containers {
				checkContainer(t, w.name, c)
			}
			if account := w.pods.Spec.ServiceAccountName; account != "" {
				the[corev1.ServiceAccount](t, i, account)
			} else if ptr.Deref(w.pods.Spec.AutomountServiceAccountToken, true) {
				t.Errorf("%s: has the token of the default service account", w.name)
			}
		}
	})
}

func checkRestricted(t *testing.T, name string, pod corev1.PodSpec) {
	t.Helper()
	s := pod.SecurityContext
	if s == nil || !ptr.Deref(s.RunAsNonRoot, false) || ptr.Deref(s.RunAsUser, 0) == 0 || ptr.Deref(s.RunAsGroup, 0) == 0 {
		t.Errorf("%s: may run as root", name)
	}
	if s == nil || s.SeccompProfile == nil || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("%s: isn't confined by seccomp", name)
	}
	if pod.HostNetwork || pod.HostPID || pod.HostIPC {
		t.Errorf("%s: shares something with its node", name)
	}
	for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
		s := c.SecurityContext
		switch {
		case s == nil || ptr.Deref(s.AllowPrivilegeEscalation, true):
			t.Errorf("%s: %s may gain privileges", name, c.Name)
		case !ptr.Deref(s.ReadOnlyRootFilesystem, false):
			t.Errorf("%s: %s may write to its image", name, c.Name)
		case s.Capabilities == nil || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) || len(s.Capabilities.Add) > 0:
			t.Errorf("%s: %s has capabilities", name, c.Name)
		case ptr.Deref(s.Privileged, false) || s.RunAsUser != nil || s.RunAsNonRoot != nil || s.SeccompProfile != nil:
			t.Errorf("%s: %s overrides what the pod says", name, c.Name)
		}
	}
}

func checkContainer(t *testing.T, name string, c corev1.Container) {
	t.Helper()
	for _, resource := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		if c.Resources.Requests.Name(resource, "").IsZero() {
			t.Errorf("%s: %s requests no %s", name, c.Name, resource)
		}
	}
	if c.Resources.Limits.Memory().IsZero() {
		t.Errorf("%s: %s may take all memory of its node", name, c.Name)
	}
	for kind, probe := range map[string]*corev1.Probe{"startup": c.StartupProbe, "readiness": c.ReadinessProbe, "liveness": c.LivenessProbe} {
		if probe == nil || probe.HTTPGet == nil {
			t.Errorf("%s: %s has no %s probe", name, c.Name, kind)
			continue
		}
		want := "/livez"
		if kind == "readiness" {
			want = "/readyz"
		}
		if got := probe.HTTPGet.Path; got != want && kind != "startup" {
			t.Errorf("%s: the %s probe of %s asks for %s", name, kind, c.Name, got)
		}
		if port := probe.HTTPGet.Port.StrVal; !hasPort(c, port) {
			t.Errorf("%s: the %s probe of %s asks port %q", name, kind, c.Name, port)
		}
	}
}

func hasPort(c corev1.Container, name string) bool {
	return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == name })
}

// checkVolumes has each volume mounted, and each mount be one of a volume.
func checkVolumes(t *testing.T, i *installation, w workload) {
	t.Helper()
	var volumes, mounts []string
	for _, v := range w.pods.Spec.Volumes {
		volumes = append(volumes, v.Name)
	}
	for _, s := range all[appsv1.StatefulSet](i) {
		for _, claim := range s.Spec.VolumeClaimTemplates {
			if s.Name == w.name {
				volumes = append(volumes, claim.Name)
			}
		}
	}
	for _, c := range w.pods.Spec.Containers {
		for _, m := range c.VolumeMounts {
			mounts = append(mounts, m.Name)
		}
	}
	slices.Sort(volumes)
	slices.Sort(mounts)
	if !slices.Equal(volumes, slices.Compact(mounts)) {
		t.Errorf("%s: has the volumes %q and mounts %q", w.name, volumes, mounts)
	}
}

func selects(t *testing.T, selector *metav1.LabelSelector, set map[string]string) bool {
	t.Helper()
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	return !s.Empty() && s.Matches(labels.Set(set))
}
