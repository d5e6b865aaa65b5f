// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"

	"tilt.dev/session/pkg/model"
)

// state is how an object is. It waits if it is neither done nor failed.
type state struct {
	// done is true if the object is as it should be, and finished if nothing of it goes on.
	done, finished bool
	// judged is true if the object itself says that it is done.
	judged bool
	// failed is the error of an object that can't become what it should be.
	failed string
	// waiting is what the object waits for. A note of an object that is done may stand here as well.
	waiting string
}

// passive are the kinds, by group, that neither make pods nor have a state worth waiting for. A "*" is every kind of
// the group.
var passive = map[schema.GroupKind]bool{
	{Kind: "ConfigMap"}: true, {Kind: "Secret"}: true, {Kind: "Namespace"}: true, {Kind: "ServiceAccount"}: true,
	{Kind: "Service"}: true, {Kind: "LimitRange"}: true, {Kind: "ResourceQuota"}: true, {Kind: "Endpoints"}: true,
	{Kind: "PersistentVolume"}: true, {Kind: "PodTemplate"}: true, {Kind: "Event"}: true, {Kind: "Node"}: true,
	{Group: "apps", Kind: "ControllerRevision"}:        true,
	{Group: "policy", Kind: "PodDisruptionBudget"}:     true,
	{Group: "networking.k8s.io", Kind: "*"}:            true,
	{Group: "rbac.authorization.k8s.io", Kind: "*"}:    true,
	{Group: "storage.k8s.io", Kind: "*"}:               true,
	{Group: "scheduling.k8s.io", Kind: "*"}:            true,
	{Group: "admissionregistration.k8s.io", Kind: "*"}: true,
	{Group: "autoscaling", Kind: "*"}:                  true,
	{Group: "coordination.k8s.io", Kind: "*"}:          true,
	{Group: "discovery.k8s.io", Kind: "*"}:             true,
	{Group: "node.k8s.io", Kind: "*"}:                  true,
	{Group: "certificates.k8s.io", Kind: "*"}:          true,
	{Group: "apiregistration.k8s.io", Kind: "*"}:       true,
	{Group: "flowcontrol.apiserver.k8s.io", Kind: "*"}: true,
	{Group: "resource.k8s.io", Kind: "*"}:              true,
	{Group: "events.k8s.io", Kind: "*"}:                true,
}

// HasState says whether objects of a kind have a state that matters, so that they have to be watched.
func HasState(kind schema.GroupKind) bool {
	return !passive[kind] && !passive[schema.GroupKind{Group: kind.Group, Kind: "*"}]
}

// MakesPods says whether an object may own pods, or is one.
func MakesPods(o *unstructured.Unstructured) bool {
	kind := o.GroupVersionKind().GroupKind()
	return HasState(kind) && kind != schema.GroupKind{Kind: "PersistentVolumeClaim"} &&
		kind != schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}
}

// object returns how an object is.
func (w *workload) object(o Object) state {
	kind := o.GroupVersionKind().GroupKind()
	switch kind {
	case schema.GroupKind{Group: "batch", Kind: "Job"}:
		return w.job(o)
	case schema.GroupKind{Group: "batch", Kind: "CronJob"}:
		return state{done: true, judged: true}
	case schema.GroupKind{Kind: "Pod"}:
		return w.pod(o)
	case schema.GroupKind{Kind: "Service"}:
		return service(o)
	}
	if !HasState(kind) {
		return state{done: true}
	}
	result, err := status.Compute(o.Unstructured)
	if err != nil {
		// Another shape of conditions than the usual one says nothing.
		return state{done: true}
	}
	text := display(o) + ": " + result.Message
	switch result.Status {
	case status.CurrentStatus:
		return state{done: true, judged: speaks(o)}
	case status.FailedStatus:
		return state{failed: text}
	default:
		return state{waiting: text + conditionNote(o)}
	}
}

// job returns how a Job is: its conditions decide, so that it may retry as often as its backoffLimit says.
func (w *workload) job(o Object) state {
	if c := condition(o, "Complete"); c.status {
		return state{done: true, finished: true, judged: true}
	}
	if c := condition(o, "Failed"); c.status {
		return state{failed: fmt.Sprintf("%s failed: %s", display(o), joined(c.reason, c.message))}
	}
	if c := condition(o, "Suspended"); c.status {
		return state{waiting: fmt.Sprintf("%s is suspended", display(o))}
	}
	failed, _, _ := unstructured.NestedInt64(o.Object, "status", "failed")
	text := display(o) + " runs"
	if failed > 0 {
		limit, found, _ := unstructured.NestedInt64(o.Object, "spec", "backoffLimit")
		if !found {
			limit = 6 // The API's default.
		}
		text = fmt.Sprintf("%s retries: %d of at most %d attempts failed", display(o), failed, limit+1)
	}
	if w.Mode == model.PodReadinessSucceeded {
		return state{waiting: text}
	}
	// In mode wait a Job is ready when its pods are.
	for _, p := range w.current {
		if p.Root == o.GetUID() && ready(p.Pod) {
			return state{done: true, judged: true}
		}
	}
	return state{waiting: text}
}

// pod returns how an applied Pod is. The list of pods has it, unless that can't be read or the pod is gone.
func (w *workload) pod(o Object) state {
	for _, p := range w.current {
		if p.UID == o.GetUID() {
			return state{done: true, judged: true, finished: p.Status.Phase == corev1.PodSucceeded}
		}
	}
	phase, _, _ := unstructured.NestedString(o.Object, "status", "phase")
	switch {
	case phase == string(corev1.PodSucceeded):
		return state{done: true, judged: true, finished: true}
	case phase == string(corev1.PodFailed):
		return state{failed: fmt.Sprintf("Pod %q failed", o.GetName())}
	case condition(o, "Ready").status && w.Mode == model.PodReadinessWait:
		return state{done: true, judged: true}
	}
	return state{waiting: display(o) + " isn't ready"}
}

// service returns how a Service is. Many clusters for development have nothing that gives out addresses of load
// balancers, so a missing one is a detail and not waited for.
func service(o Object) state {
	kind, _, _ := unstructured.NestedString(o.Object, "spec", "type")
	addresses, _, _ := unstructured.NestedSlice(o.Object, "status", "loadBalancer", "ingress")
	if kind == string(corev1.ServiceTypeLoadBalancer) && len(addresses) == 0 {
		return state{done: true, waiting: display(o) + " has no address of a load balancer yet"}
	}
	return state{done: true}
}

// speaks says whether an object has a state: a kind that kstatus knows does, another one by its conditions.
func speaks(o Object) bool {
	switch o.GroupVersionKind().Group {
	case "apps", "batch", "apiextensions.k8s.io":
		return true
	case "":
		return o.GetKind() == "PersistentVolumeClaim"
	}
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	return len(conditions) > 0
}

// conditionNote is what a condition of a failed attempt to make pods says, such as that a quota is used up.
func conditionNote(o Object) string {
	if c := condition(o, "ReplicaFailure"); c.status {
		return ": " + joined(c.reason, c.message)
	}
	return ""
}

type conditionState struct {
	status          bool
	reason, message string
}

// condition returns a condition of an object.
func condition(o Object, kind string) conditionState {
	list, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, item := range list {
		c, _ := item.(map[string]any)
		if c["type"] == kind {
			reason, _ := c["reason"].(string)
			message, _ := c["message"].(string)
			return conditionState{c["status"] == string(corev1.ConditionTrue), reason, message}
		}
	}
	return conditionState{}
}

// goesOn says whether an object is of a kind that never finishes.
func goesOn(o Object) bool {
	kind := o.GroupVersionKind().GroupKind()
	return kind.Group == "apps" || kind.Kind == "ReplicationController" || kind.Kind == "CronJob"
}

// display names an object for people.
func display(o Object) string { return fmt.Sprintf("%s %q", o.GetKind(), o.GetName()) }

// joined joins a reason and its message.
func joined(reason, message string) string {
	if reason == "" || message == "" {
		return reason + message
	}
	return reason + ": " + message
}
