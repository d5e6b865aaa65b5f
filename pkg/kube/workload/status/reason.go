// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"cmp"
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// Reason says in a word how a pod is, as `kubectl get pods` does, and in a line why, if the pod tells. Native sidecars
// count as initialized once they have started.
func Reason(p *corev1.Pod) (reason, detail string) {
	reason = cmp.Or(p.Status.Reason, string(p.Status.Phase))
	detail = p.Status.Message
	if c := podCondition(p, corev1.PodScheduled); c != nil && c.Status == corev1.ConditionFalse {
		return cmp.Or(c.Reason, reason), joined(c.Reason, c.Message)
	}
	if reason, detail, initializing := initReason(p); initializing {
		return reason, detail
	}
	for _, c := range p.Status.ContainerStatuses {
		word, text := containerReason(c)
		if word != "" {
			return word, text
		}
	}
	if p.Status.Phase == corev1.PodRunning && !ready(p) {
		return reason, cmp.Or(notReady(p), detail)
	}
	return reason, detail
}

// initReason says how the initialization of a pod is, unless it's over.
func initReason(p *corev1.Pod) (reason, detail string, initializing bool) {
	states := map[string]corev1.ContainerStatus{}
	for _, c := range p.Status.InitContainerStatuses {
		states[c.Name] = c
	}
	for i, spec := range p.Spec.InitContainers {
		c, known := states[spec.Name]
		sidecar := spec.RestartPolicy != nil && *spec.RestartPolicy == corev1.ContainerRestartPolicyAlways
		switch {
		case !known && p.Status.Phase == corev1.PodPending && len(states) == 0:
			return "", "", false // The kubelet hasn't seen the pod yet.
		case sidecar && c.Started != nil && *c.Started:
			continue
		case !sidecar && c.State.Terminated != nil && c.State.Terminated.ExitCode == 0:
			continue
		}
		word, text := containerReason(c)
		if word == "" || word == "PodInitializing" {
			word = fmt.Sprintf("%d/%d", i, len(p.Spec.InitContainers))
		}
		return "Init:" + word, text, true
	}
	return "", "", false
}

// containerReason says why a container doesn't run, and nothing for one that does or has succeeded.
func containerReason(c corev1.ContainerStatus) (reason, detail string) {
	switch s := c.State; {
	case s.Waiting != nil && s.Waiting.Reason != "":
		if s.Waiting.Message == "" {
			return s.Waiting.Reason, lastExit(c)
		}
		return s.Waiting.Reason, fmt.Sprintf("container %s: %s", c.Name, joined(s.Waiting.Reason, s.Waiting.Message))
	case s.Terminated != nil && s.Terminated.ExitCode != 0:
		word := s.Terminated.Reason
		if word == "" || word == "Error" {
			word = fmt.Sprintf("ExitCode:%d", s.Terminated.ExitCode)
			if s.Terminated.Signal != 0 {
				word = fmt.Sprintf("Signal:%d", s.Terminated.Signal)
			}
		}
		return word, fmt.Sprintf("container %s %s", c.Name, exit(s.Terminated))
	}
	return "", ""
}

// lastExit says how a container ended before, if it failed.
func lastExit(c corev1.ContainerStatus) string {
	if t := c.LastTerminationState.Terminated; t != nil && t.ExitCode != 0 {
		return fmt.Sprintf("container %s %s before", c.Name, exit(t))
	}
	return ""
}

// notReady says why a pod that runs isn't ready.
func notReady(p *corev1.Pod) string {
	for _, c := range p.Status.ContainerStatuses {
		if !c.Ready {
			return cmp.Or(lastExit(c), fmt.Sprintf("container %s isn't ready", c.Name))
		}
	}
	for _, gate := range p.Spec.ReadinessGates {
		if c := podCondition(p, gate.ConditionType); c == nil || c.Status != corev1.ConditionTrue {
			return fmt.Sprintf("readiness gate %s isn't met", gate.ConditionType)
		}
	}
	// All containers are ready, so the pod isn't because of its node.
	if c := podCondition(p, corev1.PodReady); c != nil && p.Spec.NodeName != "" {
		return fmt.Sprintf("node %s doesn't report; this is the last known state", p.Spec.NodeName)
	}
	return ""
}
