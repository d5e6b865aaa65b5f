// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/engine"
)

// patience is how long what a container needs may be missing, such as a Secret that another resource brings.
const patience = 30 * time.Second

// proof is how long a container without a readiness probe has to run before its pod's readiness is believed. The
// kubelet says that such a container is ready when it starts, and needs a while to see that it has ended.
const proof = 5 * time.Second

// steady is how long a container that crashed more than once has to run before it counts as recovered. Without it a
// crash loop would be ready for a moment after each restart.
const steady = 10 * time.Second

// fatalWaits are the reasons of waiting containers that are failures: they end, if at all, by a change from outside.
// What may be missing because it is deployed by another resource, such as a ConfigMap, isn't one of them.
var fatalWaits = []string{"CrashLoopBackOff", "ErrImagePull", "ImagePullBackOff", "InvalidImageName",
	"ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed", "CreateContainerError",
	"RunContainerError", "StartError", "PostStartHookError", "Error"}

// failure returns the report of a pod that has failed, nil if it hasn't.
func (w *workload) failure(p Pod) *engine.Report {
	if p.Status.Phase == corev1.PodFailed && !superseded(p.Pod) {
		text := strings.Join(exits(p.Pod), "; ")
		if text == "" {
			text = fmt.Sprintf("Pod %q failed", p.Name)
			if why := joined(p.Status.Reason, p.Status.Message); why != "" {
				text += ": " + why
			}
		}
		return &engine.Report{Phase: engine.Failed, Error: text}
	}
	if p.Status.Phase == corev1.PodFailed || p.Status.Phase == corev1.PodSucceeded {
		return nil
	}
	job := ownerKind(p.Pod) == "Job"
	for _, c := range containers(p.Pod) {
		status, detail := w.containerFailure(p, c, job)
		if t := c.State.Terminated; t != nil && t.ExitCode != 0 && !job && p.Spec.RestartPolicy == corev1.RestartPolicyNever {
			// Other containers keep the pod running.
			status, detail = exit(t), t.Message
		}
		if status != "" {
			return &engine.Report{
				Phase:  engine.Failed,
				Error:  fmt.Sprintf("Pod %s in error state due to container %s: %s", p.Name, c.Name, status),
				Detail: detail,
				Start:  p.CreationTimestamp.Time,
			}
		}
	}
	return nil
}

// containerFailure returns the status of a container that fails, with a detail, and nothing for another one. A
// container of a Job may crash as often as the Job allows.
func (w *workload) containerFailure(p Pod, c corev1.ContainerStatus, job bool) (status, detail string) {
	last := c.LastTerminationState.Terminated
	switch s := c.State; {
	case s.Waiting != nil && s.Waiting.Reason == "CreateContainerConfigError":
		until := latest(p.CreationTimestamp.Time, w.Deployed).Add(patience)
		if w.Now.Before(until) {
			w.later(until)
			return "", ""
		}
		return joined(s.Waiting.Reason, s.Waiting.Message), ""
	case s.Waiting != nil && slices.Contains(fatalWaits, s.Waiting.Reason):
		if s.Waiting.Reason != "CrashLoopBackOff" {
			return joined(s.Waiting.Reason, s.Waiting.Message), ""
		}
		if job {
			return "", ""
		}
		return crashLoop(last), s.Waiting.Message
	case job || c.RestartCount < 2:
	case s.Terminated != nil && (s.Terminated.ExitCode != 0 || last != nil && last.ExitCode != 0):
		return crashLoop(s.Terminated), s.Terminated.Message
	case s.Running != nil && last != nil && last.ExitCode != 0:
		if recovered := s.Running.StartedAt.Add(steady); w.Now.Before(recovered) {
			w.later(recovered)
			return crashLoop(last), fmt.Sprintf("started again; not seen to run for %s yet", steady)
		}
	}
	return "", ""
}

func crashLoop(last *corev1.ContainerStateTerminated) string {
	if last == nil {
		return "CrashLoopBackOff"
	}
	return fmt.Sprintf("CrashLoopBackOff (%s)", exit(last))
}

// exit says how a container ended.
func exit(t *corev1.ContainerStateTerminated) string {
	how := "exited with code " + strconv.Itoa(int(t.ExitCode))
	switch {
	case t.Signal != 0:
		how = "killed by signal " + strconv.Itoa(int(t.Signal))
	case t.ExitCode > 128 && t.ExitCode <= 128+64:
		how += fmt.Sprintf(", signal %d", t.ExitCode-128)
	}
	if t.Reason != "" && t.Reason != "Error" && t.Reason != "Completed" {
		how = t.Reason + ", " + how
	}
	return how
}

// exits says how the containers of a pod have failed.
func exits(p *corev1.Pod) []string {
	var texts []string
	for _, c := range containers(p) {
		t := c.State.Terminated
		if t == nil || t.ExitCode == 0 {
			t = c.LastTerminationState.Terminated
		}
		if t == nil || t.ExitCode == 0 || c.State.Running != nil {
			continue
		}
		text := fmt.Sprintf("Pod %s: container %s: %s", p.Name, c.Name, exit(t))
		if t.Message != "" {
			text += ": " + strings.TrimSpace(t.Message)
		}
		texts = append(texts, text)
	}
	return texts
}

// containers returns the states of all containers, init containers first.
func containers(p *corev1.Pod) []corev1.ContainerStatus {
	return slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses)
}

// superseded says whether a pod has failed and its owner makes another one in its place.
func superseded(p *corev1.Pod) bool {
	if p.Status.Phase != corev1.PodFailed {
		return false
	}
	switch ownerKind(p) {
	case "ReplicaSet", "ReplicationController", "DaemonSet", "StatefulSet", "Job":
		return true
	}
	return false
}

func ownerKind(p *corev1.Pod) string {
	if owner := metav1.GetControllerOf(p); owner != nil {
		return owner.Kind
	}
	return ""
}

// unproven is until when the readiness of the pods may be an illusion, zero if their containers have probes or have run
// for long enough.
func (w *workload) unproven() (until time.Time) {
	for _, p := range w.current {
		probed := map[string]bool{}
		for _, c := range p.Spec.Containers {
			probed[c.Name] = c.ReadinessProbe != nil
		}
		for _, c := range p.Status.ContainerStatuses {
			if running := c.State.Running; running != nil && !probed[c.Name] && running.StartedAt.Add(proof).After(w.Now) {
				until = latest(until, running.StartedAt.Add(proof))
			}
		}
	}
	return until
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// ready says whether a pod is ready.
func ready(p *corev1.Pod) bool {
	c := podCondition(p, corev1.PodReady)
	return p.Status.Phase == corev1.PodRunning && c != nil && c.Status == corev1.ConditionTrue
}

func podCondition(p *corev1.Pod, kind corev1.PodConditionType) *corev1.PodCondition {
	for i := range p.Status.Conditions {
		if p.Status.Conditions[i].Type == kind {
			return &p.Status.Conditions[i]
		}
	}
	return nil
}

// podWaits says what a pod that isn't ready waits for.
func podWaits(p *corev1.Pod) string {
	reason, detail := Reason(p)
	if detail == "" {
		detail = reason
	}
	return fmt.Sprintf("pod %s: %s", p.Name, detail)
}
