// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package status judges a workload: from its objects and pods, as the cluster has them, it computes how the runtime of
// its resource is.
//
// The objects decide whether a workload is ready: a Deployment by its replicas, a Job by its conditions, another kind
// by the conventions of kstatus. The pods say why it isn't, and whether it fails: a container that crashes again and
// again, or an image that can't be pulled, is a failure, although the objects still wait.
//
// The package is pure. It calls no cluster and no clock.
package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
)

// Input is what is known of a workload.
type Input struct {
	Mode model.PodReadiness
	// Objects are those of the last deploy, in their latest state.
	Objects []Object
	// Pods are the pods that belong to the workload, including those of former deploys.
	Pods []Pod
	// Hashes are the template hashes of the last deploy.
	Hashes []string
	// Deployed is when the last deploy ended.
	Deployed time.Time
	// Warnings are the latest warning events by the object that they are about.
	Warnings map[types.UID]string
	// Away says why the state may be out of date, empty if it isn't.
	Away string
	Now  time.Time
}

// Object is an object of the last deploy.
type Object struct {
	*unstructured.Unstructured
	// Deleted is true if the object is gone from the cluster. Its state is then the last one.
	Deleted bool
}

// Pod is a pod of a workload.
type Pod struct {
	*corev1.Pod
	// Root is the applied object that owns the pod, empty for a pod that a selector matched.
	Root types.UID
	// OwnerCreated is when the owner of the pod was created, such as its ReplicaSet.
	OwnerCreated time.Time
}

// Of returns how a workload is, and when to look again although nothing has changed, zero for never.
func Of(in Input) (engine.Report, time.Time) {
	w := newWorkload(in)
	report := w.judge()
	if report.Start.IsZero() && report.Phase != engine.Absent {
		report.Start = in.Deployed
	}
	report.Restarts = w.restarts()
	if report.Phase == engine.Ready && in.Mode != model.PodReadinessIgnore {
		report.Unproven = w.unproven()
	}
	if in.Away != "" {
		report.Detail = strings.Join(nonEmpty(in.Away, report.Detail), "; ")
	}
	report.Detail = oneLine(report.Detail)
	report.Error = oneLine(report.Error)
	return report, w.again
}

// workload is a judgment in the making.
type workload struct {
	Input
	// current are the pods that count, newest first. Deleted pods don't.
	current []Pod
	// again is when the judgment may change by itself.
	again time.Time
}

func newWorkload(in Input) *workload {
	w := &workload{Input: in, current: Current(in.Pods, in.Hashes)}
	w.current = slices.DeleteFunc(w.current, func(p Pod) bool { return p.DeletionTimestamp != nil })
	return w
}

func (w *workload) judge() engine.Report {
	if w.Mode == model.PodReadinessIgnore {
		if len(Current(w.Pods, w.Hashes)) == 0 {
			return engine.Report{Phase: engine.Absent}
		}
		return engine.Report{Phase: engine.Ready}
	}
	states := make([]state, len(w.Objects))
	for i, o := range w.Objects {
		states[i] = w.object(o)
		if states[i].failed != "" {
			return w.objectFailure(o, states[i])
		}
	}
	for _, p := range w.current {
		if failure := w.failure(p); failure != nil {
			failure.Detail = strings.Join(nonEmpty(failure.Detail, w.others(p)), "; ")
			return *failure
		}
	}
	for i, o := range w.Objects {
		if o.Deleted && !states[i].finished {
			return engine.Report{Phase: engine.Pending, Reason: "deleted",
				Detail: display(o) + " isn't in the cluster any more; trigger the resource to deploy it again"}
		}
	}
	done, waiting := w.done(states)
	if !done {
		return w.pending(waiting)
	}
	if w.Mode == model.PodReadinessSucceeded || w.finished(states) {
		return engine.Report{Phase: engine.Succeeded}
	}
	return engine.Report{Phase: engine.Ready, Detail: waiting}
}

// objectFailure is the report of an object that has failed, with what its pods tell.
func (w *workload) objectFailure(o Object, s state) engine.Report {
	report := engine.Report{Phase: engine.Failed, Error: s.failed}
	for _, p := range w.current {
		if p.Root != o.GetUID() {
			continue
		}
		if texts := exits(p.Pod); len(texts) > 0 {
			report.Error += ": " + texts[0]
			break
		}
		if _, detail := Reason(p.Pod); detail != "" {
			report.Error += ": " + detail
			break
		}
	}
	report.Detail = w.Warnings[o.GetUID()]
	return report
}

// others says how many other pods fail as well.
func (w *workload) others(first Pod) string {
	failing := 0
	for _, p := range w.current {
		if p.UID != first.UID && w.failure(p) != nil {
			failing++
		}
	}
	switch failing {
	case 0:
		return ""
	case 1:
		return "1 more pod fails"
	}
	return fmt.Sprintf("%d more pods fail", failing)
}

// pending is the report of a workload that isn't ready and hasn't failed.
func (w *workload) pending(waiting string) engine.Report {
	report := engine.Report{Phase: engine.Pending, Reason: "waiting-for-pod", Detail: waiting}
	for _, o := range w.Objects {
		report.Detail = cmp.Or(w.Warnings[o.GetUID()], report.Detail)
	}
	for _, p := range w.Pods {
		if len(w.current) == 0 && p.DeletionTimestamp != nil {
			report.Detail = fmt.Sprintf("pod %s is being deleted", p.Name)
		}
	}
	explained := false
	for _, p := range w.current {
		if ready(p.Pod) || w.rootKind(p) == "CronJob" {
			continue
		}
		reason, detail := Reason(p.Pod)
		if detail == "" && p.Status.Phase != corev1.PodRunning {
			detail = w.Warnings[p.UID]
		}
		// The newest pod gives the reason, and the newest one that has something to say the detail.
		if report.Reason == "waiting-for-pod" {
			report.Reason = cmp.Or(reason, "unknown")
		}
		if detail != "" && !explained {
			report.Detail, explained = fmt.Sprintf("pod %s: %s", p.Name, detail), true
			if p.Status.Phase != corev1.PodRunning {
				report.Reason = cmp.Or(reason, report.Reason)
			}
		}
	}
	for _, p := range w.current {
		if p.Status.Phase == corev1.PodRunning {
			report.Phase, report.Reason = engine.Starting, ""
		}
	}
	return report
}

// restarts counts the restarts of the containers that count, except for those that have run on since the deploy.
func (w *workload) restarts() int {
	n := 0
	for _, p := range w.current {
		for _, c := range containers(p.Pod) {
			if running := c.State.Running; running == nil || running.StartedAt.After(w.Deployed) {
				n += int(c.RestartCount)
			}
		}
	}
	return n
}

func (w *workload) rootKind(p Pod) string {
	for _, o := range w.Objects {
		if o.GetUID() == p.Root {
			return o.GetKind()
		}
	}
	return ""
}

// later notes that the judgment may change at a moment.
func (w *workload) later(t time.Time) {
	if w.again.IsZero() || t.Before(w.again) {
		w.again = t
	}
}

func nonEmpty(texts ...string) []string {
	return slices.DeleteFunc(texts, func(s string) bool { return s == "" })
}

// oneLine joins the lines of a text.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
