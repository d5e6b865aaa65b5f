// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/kube/manifest"
	"tilt.dev/session/pkg/model"
)

var (
	deployed = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	created  = deployed.Add(-2 * time.Second)
	now      = deployed.Add(time.Minute)
)

const (
	wait      = model.PodReadinessWait
	ignore    = model.PodReadinessIgnore
	succeeded = model.PodReadinessSucceeded
)

// object returns the object of a YAML text. Its UID is its name.
func object(t *testing.T, text string) Object {
	t.Helper()
	u := &unstructured.Unstructured{}
	data, err := yaml.YAMLToJSON([]byte(text))
	if err == nil {
		err = u.UnmarshalJSON(data)
	}
	if err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	u.SetUID(types.UID(u.GetName()))
	return Object{Unstructured: u}
}

// deployment returns a Deployment named web with n of 3 replicas that are ready.
func deployment(n string) string {
	text := `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, generation: 2},
  spec: {replicas: 3, progressDeadlineSeconds: 600}, status: {observedGeneration: 2, replicas: 3, updatedReplicas: 3,
  readyReplicas: #, availableReplicas: #, conditions: [{type: Progressing, status: "True", reason: NewReplicaSetAvailable},
  {type: Available, status: "True"}]}}`
	return strings.ReplaceAll(text, "#", n)
}

const (
	newJob      = `{apiVersion: batch/v1, kind: Job, metadata: {name: migrate}, spec: {backoffLimit: 2}, status: {startTime: "x"}}`
	retriedJob  = `{apiVersion: batch/v1, kind: Job, metadata: {name: migrate}, spec: {backoffLimit: 2}, status: {failed: 1}}`
	completeJob = `{apiVersion: batch/v1, kind: Job, metadata: {name: migrate},
  status: {succeeded: 1, conditions: [{type: Complete, status: "True"}]}}`
	failedJob = `{apiVersion: batch/v1, kind: Job, metadata: {name: migrate}, status: {failed: 3,
  conditions: [{type: Failed, status: "True", reason: BackoffLimitExceeded, message: Job has reached the specified backoff limit}]}}`
	cronJob = `{apiVersion: batch/v1, kind: CronJob, metadata: {name: nightly}}`
	barePod = `{apiVersion: v1, kind: Pod, metadata: {name: p}}`
)

// pod returns a pod of the object root, changed by edits.
func pod(root string, edits ...func(*Pod)) Pod {
	p := Pod{Pod: &corev1.Pod{}, Root: types.UID(root), OwnerCreated: created}
	p.Name, p.UID, p.CreationTimestamp = "p", "p", metav1.NewTime(created)
	p.Spec.NodeName = "n"
	p.Spec.Containers = []corev1.Container{{Name: "app"}}
	p.Status.Phase = corev1.PodPending
	p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "app"}}
	for _, edit := range edits {
		edit(&p)
	}
	return p
}

func named(name string) func(*Pod) {
	return func(p *Pod) { p.Name, p.UID = name, types.UID(name) }
}

func phase(phase corev1.PodPhase) func(*Pod) { return func(p *Pod) { p.Status.Phase = phase } }

func owner(kind string) func(*Pod) {
	yes := true
	return func(p *Pod) {
		p.OwnerReferences = []metav1.OwnerReference{{Kind: kind, UID: types.UID("of " + p.Name), Controller: &yes}}
	}
}

func hash(h string) func(*Pod) {
	return func(p *Pod) { p.Labels = map[string]string{manifest.PodTemplateHashLabel: h} }
}

func deleting(p *Pod) { p.DeletionTimestamp = &metav1.Time{Time: now} }

// runs makes the pod run for a minute, readily or not.
func runs(isReady bool) func(*Pod) {
	return func(p *Pod) {
		p.Status.Phase = corev1.PodRunning
		status := corev1.ConditionFalse
		if isReady {
			status = corev1.ConditionTrue
		}
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: corev1.PodReady, Status: status})
		c := &p.Status.ContainerStatuses[0]
		c.Ready = isReady
		c.State.Running = &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(deployed)}
	}
}

func waits(reason, message string) func(*Pod) {
	return func(p *Pod) {
		p.Status.ContainerStatuses[0].State.Waiting = &corev1.ContainerStateWaiting{Reason: reason, Message: message}
	}
}

// exited makes the container end with a code, or, if it has another state, have ended before.
func exited(code int32, restarts int32, reason string) func(*Pod) {
	return func(p *Pod) {
		c := &p.Status.ContainerStatuses[0]
		c.RestartCount = restarts
		end := &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason}
		if c.State == (corev1.ContainerState{}) {
			c.State.Terminated = end
		} else {
			c.LastTerminationState.Terminated = end
		}
	}
}

// startedAgo sets how long the container has been running.
func startedAgo(d time.Duration) func(*Pod) {
	return func(p *Pod) { p.Status.ContainerStatuses[0].State.Running.StartedAt = metav1.NewTime(now.Add(-d)) }
}

// initial adds an init container with a state; a native sidecar has started.
func initial(name string, sidecar bool, state corev1.ContainerState) func(*Pod) {
	return func(p *Pod) {
		spec, status := corev1.Container{Name: name}, corev1.ContainerStatus{Name: name, State: state}
		if sidecar {
			always, started := corev1.ContainerRestartPolicyAlways, state.Running != nil
			spec.RestartPolicy, status.Started = &always, &started
		}
		p.Spec.InitContainers = append(p.Spec.InitContainers, spec)
		p.Status.InitContainerStatuses = append(p.Status.InitContainerStatuses, status)
	}
}

func ended(code int32) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code}}
}

func waiting(reason string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}
}

func running() corev1.ContainerState {
	return corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
}

// probed adds a readiness probe to all containers.
func probed(p *Pod) {
	for _, c := range p.Status.ContainerStatuses {
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: c.Name, ReadinessProbe: &corev1.Probe{}})
	}
}

func createdAgo(d time.Duration) func(*Pod) {
	return func(p *Pod) { p.CreationTimestamp = metav1.NewTime(now.Add(-d)) }
}

func unschedulable(p *Pod) {
	p.Spec.NodeName = ""
	p.Status.ContainerStatuses = nil
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse,
		Reason: "Unschedulable", Message: "0/1 nodes are available: 1 Insufficient cpu."}}
}

// TestOf has the rows of Tilt's rules, with the differences that package kube tells.
func TestOf(t *testing.T) {
	rs := owner("ReplicaSet")
	crash := "Pod p in error state due to container app: CrashLoopBackOff (exited with code 3)"
	for _, tc := range []struct {
		name    string
		mode    model.PodReadiness
		objects []string
		pods    []Pod
		want    engine.Report
	}{
		// Mode ignore.
		{"ignore without pods", ignore, []string{deployment("0")}, nil, engine.Report{Phase: engine.Absent}},
		{"ignore with a crash loop", ignore, []string{deployment("0")},
			[]Pod{pod("web", rs, waits("CrashLoopBackOff", ""), exited(3, 4, ""))},
			engine.Report{Phase: engine.Ready, Restarts: 4}},
		{"a CronJob isn't waited for", ignore, []string{cronJob}, nil, engine.Report{Phase: engine.Absent}},

		// Objects decide.
		{"all replicas are ready", wait, []string{deployment("3")}, []Pod{pod("web", rs, runs(true))},
			engine.Report{Phase: engine.Ready}},
		{"a container without a probe has started", wait, []string{deployment("3")},
			[]Pod{pod("web", rs, runs(true), startedAgo(2*time.Second))},
			engine.Report{Phase: engine.Ready, Unproven: now.Add(3 * time.Second)}},
		{"a container with a probe has started", wait, []string{deployment("3")},
			[]Pod{pod("web", rs, runs(true), startedAgo(2*time.Second), probed)}, engine.Report{Phase: engine.Ready}},
		{"one of three replicas is ready", wait, []string{deployment("1")},
			[]Pod{pod("web", rs, runs(true)), pod("web", rs, named("q"), runs(false))},
			engine.Report{Phase: engine.Starting, Detail: "pod q: container app isn't ready"}},
		{"no replicas are wanted", wait, []string{`{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 0},
  status: {conditions: [{type: Available, status: "True"}]}}`}, nil, engine.Report{Phase: engine.Ready}},
		{"several workloads: one isn't ready", wait, []string{deployment("3"),
			`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {replicas: 1}, status: {replicas: 1}}`},
			[]Pod{pod("web", rs, runs(true))},
			engine.Report{Phase: engine.Starting, Detail: `StatefulSet "db": Ready: 0/1`}},
		{"a DaemonSet waits for every node", wait, []string{`{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: agent, generation: 1},
  status: {observedGeneration: 1, desiredNumberScheduled: 2, currentNumberScheduled: 2, updatedNumberScheduled: 2,
  numberAvailable: 1, numberReady: 1}}`},
			[]Pod{pod("agent", owner("DaemonSet"), runs(true))},
			engine.Report{Phase: engine.Starting, Detail: `DaemonSet "agent": Available: 1/2`}},
		{"a rollout that the controller hasn't seen", wait, []string{strings.Replace(deployment("3"),
			"generation: 2", "generation: 3", 1)}, []Pod{pod("web", rs, runs(true))},
			engine.Report{Phase: engine.Starting,
				Detail: `Deployment "web": Deployment generation is 3, but latest observed generation is 2`}},
		{"the progress deadline has passed", wait, []string{`{apiVersion: apps/v1, kind: Deployment, metadata: {name: web},
  status: {conditions: [{type: Progressing, status: "False", reason: ProgressDeadlineExceeded}]}}`}, nil,
			engine.Report{Phase: engine.Failed, Error: `Deployment "web": Progress deadline exceeded`}},
		{"a quota stops the pods", wait, []string{`{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 1},
  status: {conditions: [{type: ReplicaFailure, status: "True", reason: FailedCreate, message: exceeded quota}]}}`}, nil,
			engine.Report{Phase: engine.Pending, Reason: "waiting-for-pod",
				Detail: `Deployment "web": Replicas: 0/1: FailedCreate: exceeded quota`}},
		{"a claim isn't bound", wait, []string{`{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data},
  status: {phase: Pending}}`}, nil,
			engine.Report{Phase: engine.Pending, Reason: "waiting-for-pod",
				Detail: `PersistentVolumeClaim "data": PVC is not Bound. phase: Pending`}},
		{"a CRD is established", wait, []string{`{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition,
  metadata: {name: x}, status: {conditions: [{type: Established, status: "True"}]}}`}, nil, engine.Report{Phase: engine.Ready}},
		{"a CRD isn't established", wait, []string{`{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition,
  metadata: {name: x}}`}, nil, engine.Report{Phase: engine.Pending, Reason: "waiting-for-pod",
			Detail: `CustomResourceDefinition "x": Install in progress`}},
		{"a Service without an address of a load balancer", wait, []string{deployment("3"),
			`{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {type: LoadBalancer}}`},
			[]Pod{pod("web", rs, runs(true))},
			engine.Report{Phase: engine.Ready, Detail: `Service "web" has no address of a load balancer yet`}},
		{"only objects without a state", wait, []string{`{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}`}, nil,
			engine.Report{Phase: engine.Ready}},

		// Custom resources.
		{"a custom resource says it's ready", wait, []string{`{apiVersion: x.dev/v1, kind: DB, metadata: {name: db},
  status: {conditions: [{type: Ready, status: "True"}]}}`}, nil, engine.Report{Phase: engine.Ready}},
		{"a custom resource says it isn't", wait, []string{`{apiVersion: x.dev/v1, kind: DB, metadata: {name: db},
  status: {conditions: [{type: Ready, status: "False", message: no disk}]}}`}, nil,
			engine.Report{Phase: engine.Pending, Reason: "waiting-for-pod", Detail: `DB "db": no disk`}},
		{"a custom resource is stalled", wait, []string{`{apiVersion: x.dev/v1, kind: DB, metadata: {name: db},
  status: {conditions: [{type: Stalled, status: "True", message: no disk}]}}`}, nil,
			engine.Report{Phase: engine.Failed, Error: `DB "db": no disk`}},
		{"a custom resource that says nothing, without a pod", wait,
			[]string{`{apiVersion: x.dev/v1, kind: DB, metadata: {name: db}}`}, nil,
			engine.Report{Phase: engine.Pending, Reason: "waiting-for-pod"}},
		{"a custom resource that says nothing, with a pod", wait,
			[]string{`{apiVersion: x.dev/v1, kind: DB, metadata: {name: db}}`}, []Pod{pod("db", runs(true))},
			engine.Report{Phase: engine.Ready}},

		// Pods of selectors, and bare ones.
		{"no pod yet", wait, nil, nil, engine.Report{Phase: engine.Pending, Reason: "waiting-for-pod"}},
		{"a pod succeeded in mode wait", wait, []string{barePod}, []Pod{pod("p", phase(corev1.PodSucceeded))},
			engine.Report{Phase: engine.Succeeded}},
		{"a bare pod failed", wait, []string{barePod}, []Pod{pod("p", phase(corev1.PodFailed), exited(7, 0, "Error"))},
			engine.Report{Phase: engine.Failed, Error: "Pod p: container app: exited with code 7"}},
		{"a bare pod failed without a word", wait, []string{barePod}, []Pod{pod("p", phase(corev1.PodFailed))},
			engine.Report{Phase: engine.Failed, Error: `Pod "p" failed`}},
		{"an evicted pod of a ReplicaSet is replaced", wait, []string{deployment("3")},
			[]Pod{pod("web", rs, runs(true)), pod("web", rs, named("q"), phase(corev1.PodFailed))},
			engine.Report{Phase: engine.Ready}},
		{"a deleted pod doesn't count", wait, []string{deployment("3")},
			[]Pod{pod("web", rs, runs(true)), pod("web", rs, named("q"), runs(false), deleting)},
			engine.Report{Phase: engine.Ready}},

		{"the only pod is being deleted", wait, []string{deployment("0")}, []Pod{pod("web", rs, runs(false), deleting)},
			engine.Report{Phase: engine.Pending, Reason: "waiting-for-pod", Detail: "pod p is being deleted"}},

		// Containers.
		{"a container exited once and will restart", wait, []string{deployment("0")}, []Pod{pod("web", rs, runs(false),
			func(p *Pod) { p.Status.ContainerStatuses[0].State = corev1.ContainerState{} }, exited(3, 0, "Error"))},
			engine.Report{Phase: engine.Starting, Detail: "pod p: container app exited with code 3"}},
		{"a crash loop", wait, []string{deployment("0")}, []Pod{pod("web", rs, phase(corev1.PodRunning),
			waits("CrashLoopBackOff", "back-off 10s restarting"), exited(3, 1, "Error"))},
			engine.Report{Phase: engine.Failed, Error: crash, Detail: "back-off 10s restarting", Start: created, Restarts: 1}},
		{"a crash loop, ready for a moment", wait, []string{deployment("3")},
			[]Pod{pod("web", rs, runs(true), startedAgo(2*time.Second), exited(3, 2, "Error"))},
			engine.Report{Phase: engine.Failed, Error: crash, Start: created, Restarts: 2,
				Detail: "started again; not seen to run for 10s yet"}},
		{"a crash loop that's over", wait, []string{deployment("3")},
			[]Pod{pod("web", rs, runs(true), startedAgo(steady), exited(3, 2, "Error"))},
			engine.Report{Phase: engine.Ready, Restarts: 2}},
		{"a crash loop of two", wait, []string{deployment("0")}, []Pod{
			pod("web", rs, waits("CrashLoopBackOff", ""), exited(3, 1, "Error")),
			pod("web", rs, named("q"), waits("CrashLoopBackOff", ""), exited(3, 1, "Error"))},
			engine.Report{Phase: engine.Failed, Error: crash, Detail: "1 more pod fails", Start: created, Restarts: 2}},
		{"killed for its memory", wait, []string{deployment("0")}, []Pod{pod("web", rs, phase(corev1.PodRunning),
			waits("CrashLoopBackOff", ""), exited(137, 1, "OOMKilled"))},
			engine.Report{Phase: engine.Failed, Start: created, Restarts: 1, Error: "Pod p in error state due to " +
				"container app: CrashLoopBackOff (OOMKilled, exited with code 137, signal 9)"}},
		{"a sidecar in a crash loop", wait, []string{deployment("0")}, []Pod{pod("web", rs, runs(true),
			initial("proxy", true, waiting("CrashLoopBackOff")))},
			engine.Report{Phase: engine.Failed, Start: created,
				Error: "Pod p in error state due to container proxy: CrashLoopBackOff"}},
		{"an init container in a crash loop", wait, []string{deployment("0")}, []Pod{pod("web", rs,
			initial("prepare", false, waiting("CrashLoopBackOff")))},
			engine.Report{Phase: engine.Failed, Start: created,
				Error: "Pod p in error state due to container prepare: CrashLoopBackOff"}},
		{"a bad image beside a container that runs", wait, []string{deployment("0")}, []Pod{pod("web", rs, runs(false),
			initial("proxy", true, waiting("ErrImagePull")))},
			engine.Report{Phase: engine.Failed, Start: created,
				Error: "Pod p in error state due to container proxy: ErrImagePull"}},
		{"a bad image name", wait, []string{deployment("0")}, []Pod{pod("web", rs, waits("InvalidImageName", "couldn't parse"))},
			engine.Report{Phase: engine.Failed, Start: created,
				Error: "Pod p in error state due to container app: InvalidImageName: couldn't parse"}},
		{"a missing ConfigMap for a minute", wait, []string{deployment("0")},
			[]Pod{pod("web", rs, waits("CreateContainerConfigError", `configmap "c" not found`))},
			engine.Report{Phase: engine.Failed, Start: created,
				Error: `Pod p in error state due to container app: CreateContainerConfigError: configmap "c" not found`}},
		{"a ConfigMap that's still missing", wait, []string{deployment("0")},
			[]Pod{pod("web", rs, waits("CreateContainerConfigError", `configmap "c" not found`), createdAgo(20*time.Second))},
			engine.Report{Phase: engine.Pending, Reason: "CreateContainerConfigError",
				Detail: `pod p: container app: CreateContainerConfigError: configmap "c" not found`}},
		{"unschedulable", wait, []string{deployment("0")}, []Pod{pod("web", rs, unschedulable)},
			engine.Report{Phase: engine.Pending, Reason: "Unschedulable",
				Detail: "pod p: Unschedulable: 0/1 nodes are available: 1 Insufficient cpu."}},
		{"a container is created", wait, []string{deployment("0")}, []Pod{pod("web", rs, waits("ContainerCreating", ""))},
			engine.Report{Phase: engine.Pending, Reason: "ContainerCreating", Detail: `Deployment "web": Available: 0/3`}},
		{"the node doesn't report", wait, []string{deployment("0")}, []Pod{pod("web", rs, runs(false),
			func(p *Pod) { p.Status.ContainerStatuses[0].Ready = true })},
			engine.Report{Phase: engine.Starting, Detail: "pod p: node n doesn't report; this is the last known state"}},
		{"a readiness gate", wait, []string{deployment("0")}, []Pod{pod("web", rs, runs(false), func(p *Pod) {
			p.Status.ContainerStatuses[0].Ready = true
			p.Spec.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: "x.dev/up"}}
		})}, engine.Report{Phase: engine.Starting, Detail: "pod p: readiness gate x.dev/up isn't met"}},

		{"a container has failed for good beside one that runs", wait, []string{barePod}, []Pod{pod("p",
			phase(corev1.PodRunning), exited(3, 0, "Error"), func(p *Pod) { p.Spec.RestartPolicy = corev1.RestartPolicyNever })},
			engine.Report{Phase: engine.Failed, Start: created,
				Error: "Pod p in error state due to container app: exited with code 3"}},

		// Rollouts.
		{"a pod of a former deploy crashes", wait, []string{deployment("3")}, []Pod{pod("web", rs, hash("new"), runs(true)),
			pod("web", rs, named("old"), hash("old"), waits("CrashLoopBackOff", ""), exited(3, 9, ""))},
			engine.Report{Phase: engine.Ready}},
		{"a pod of an older ReplicaSet crashes", wait, []string{deployment("3")}, []Pod{pod("web", rs, runs(true)),
			pod("web", rs, named("old"), waits("CrashLoopBackOff", ""),
				func(p *Pod) { p.OwnerCreated = created.Add(-time.Hour) })},
			engine.Report{Phase: engine.Ready}},

		// Jobs.
		{"a job runs", succeeded, []string{newJob}, []Pod{pod("migrate", owner("Job"), runs(true))},
			engine.Report{Phase: engine.Starting, Detail: `Job "migrate" runs`}},
		{"a job's first pod failed", succeeded, []string{retriedJob},
			[]Pod{pod("migrate", owner("Job"), phase(corev1.PodFailed), exited(3, 0, "Error"))},
			engine.Report{Phase: engine.Pending, Reason: "ExitCode:3", Detail: "pod p: container app exited with code 3"}},
		{"a job's container restarts on failure", succeeded, []string{newJob},
			[]Pod{pod("migrate", owner("Job"), phase(corev1.PodRunning), waits("CrashLoopBackOff", ""), exited(3, 2, "Error"))},
			engine.Report{Phase: engine.Starting, Restarts: 2, Detail: "pod p: container app exited with code 3 before"}},
		{"a job's image is bad", succeeded, []string{newJob}, []Pod{pod("migrate", owner("Job"), waits("ImagePullBackOff", "x"))},
			engine.Report{Phase: engine.Failed, Start: created,
				Error: "Pod p in error state due to container app: ImagePullBackOff: x"}},
		{"a job has failed", succeeded, []string{failedJob},
			[]Pod{pod("migrate", owner("Job"), phase(corev1.PodFailed), exited(3, 0, "Error"))},
			engine.Report{Phase: engine.Failed, Error: `Job "migrate" failed: BackoffLimitExceeded: Job has reached the ` +
				"specified backoff limit: Pod p: container app: exited with code 3"}},
		{"a job is complete after a retry", succeeded, []string{completeJob},
			[]Pod{pod("migrate", owner("Job"), phase(corev1.PodFailed), exited(3, 0, "Error")),
				pod("migrate", owner("Job"), named("q"), phase(corev1.PodSucceeded))},
			engine.Report{Phase: engine.Succeeded}},
		{"a job is complete and its pods are gone", succeeded, []string{completeJob}, nil, engine.Report{Phase: engine.Succeeded}},
		{"a job in mode wait is ready while it runs", wait, []string{newJob},
			[]Pod{pod("migrate", owner("Job"), runs(true))}, engine.Report{Phase: engine.Ready}},
		{"a job in mode wait is complete", wait, []string{completeJob}, nil, engine.Report{Phase: engine.Succeeded}},
		{"a Deployment and a complete job", wait, []string{completeJob, deployment("3")},
			[]Pod{pod("web", rs, runs(true))}, engine.Report{Phase: engine.Ready}},
		{"a pod runs in mode succeeded", succeeded, []string{barePod}, []Pod{pod("p", runs(true))},
			engine.Report{Phase: engine.Starting, Detail: "pod p: Running"}},
		{"a pod succeeded", succeeded, []string{barePod}, []Pod{pod("p", phase(corev1.PodSucceeded))},
			engine.Report{Phase: engine.Succeeded}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := Input{Mode: tc.mode, Pods: tc.pods, Hashes: []string{"new"}, Deployed: deployed, Now: now}
			for _, text := range tc.objects {
				in.Objects = append(in.Objects, object(t, text))
			}
			if tc.want.Start.IsZero() && tc.want.Phase != engine.Absent {
				tc.want.Start = deployed
			}
			if got, _ := Of(in); got != tc.want {
				t.Errorf("got  %+v\nwant %+v", got, tc.want)
			}
		})
	}
}

func TestOfLooksAgain(t *testing.T) {
	_, again := Of(Input{Mode: wait, Objects: []Object{object(t, deployment("3"))}, Now: now,
		Pods: []Pod{pod("web", owner("ReplicaSet"), runs(true), startedAgo(2*time.Second), exited(3, 2, "Error"))}})
	if want := now.Add(steady - 2*time.Second); !again.Equal(want) {
		t.Errorf("looks again at %v, want %v", again, want)
	}
}

func TestOfDeletedAndAway(t *testing.T) {
	gone, done := object(t, deployment("3")), object(t, completeJob)
	gone.Deleted, done.Deleted = true, true
	if got, _ := Of(Input{Mode: wait, Objects: []Object{gone}}); got.Phase != engine.Pending || got.Reason != "deleted" {
		t.Errorf("a deleted Deployment: %+v", got)
	}
	got, _ := Of(Input{Mode: succeeded, Objects: []Object{done}, Away: "no answer"})
	if got.Phase != engine.Succeeded || got.Detail != "no answer" {
		t.Errorf("a Job that was cleaned up: %+v", got)
	}
}

func TestOfWarnings(t *testing.T) {
	set := object(t, `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {replicas: 1}}`)
	in := Input{Mode: wait, Objects: []Object{set}, Warnings: map[types.UID]string{"db": "exceeded quota", "p": "no volume"}}
	if got, _ := Of(in); got.Detail != "exceeded quota" {
		t.Errorf("a warning of an object: %+v", got)
	}
	in.Pods = []Pod{pod("db", owner("StatefulSet"), waits("ContainerCreating", ""))}
	if got, _ := Of(in); got.Detail != "pod p: no volume" {
		t.Errorf("a warning of a pod: %+v", got)
	}
}

func TestReason(t *testing.T) {
	for want, p := range map[string]Pod{
		"Pending":                pod(""),
		"Running":                pod("", runs(true)),
		"Succeeded":              pod("", phase(corev1.PodSucceeded)),
		"Evicted":                pod("", phase(corev1.PodFailed), func(p *Pod) { p.Status.Reason = "Evicted" }),
		"ExitCode:3":             pod("", exited(3, 0, "")),
		"OOMKilled":              pod("", exited(137, 0, "OOMKilled")),
		"Signal:9":               pod("", func(p *Pod) { p.Status.ContainerStatuses[0].State = ended(1) }, signaled(9)),
		"ContainerCreating":      pod("", waits("ContainerCreating", "")),
		"Init:0/2":               pod("", initial("a", false, running()), initial("b", false, waiting("PodInitializing"))),
		"Init:1/2":               pod("", initial("a", false, ended(0)), initial("b", false, running())),
		"Init:ExitCode:3":        pod("", initial("a", false, ended(3))),
		"Init:ImagePullBackOff":  pod("", initial("a", false, waiting("ImagePullBackOff"))),
		"Init:CrashLoopBackOff":  pod("", initial("a", true, waiting("CrashLoopBackOff"))),
		"CreateContainerError":   pod("", initial("a", true, running()), waits("CreateContainerError", "")),
		"Init:1/2 after sidecar": pod("", initial("a", true, running()), initial("b", false, running())),
		"Unschedulable":          pod("", unschedulable),
	} {
		want, _, _ = strings.Cut(want, " ")
		if got, _ := Reason(p.Pod); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func signaled(signal int32) func(*Pod) {
	return func(p *Pod) { p.Status.ContainerStatuses[0].State.Terminated.Signal = signal }
}

func TestBest(t *testing.T) {
	starting, up, leaving := pod("", named("starting"), runs(false)), pod("", named("up"), runs(true)),
		pod("", named("leaving"), runs(true), deleting)
	if got, isReady, found := Best([]Pod{leaving, starting, up}); got.Name != "up" || !isReady || !found {
		t.Errorf("with a ready pod: %s %t %t", got.Name, isReady, found)
	}
	if got, isReady, found := Best([]Pod{leaving, starting}); got.Name != "starting" || isReady || !found {
		t.Errorf("without a ready pod: %s %t %t", got.Name, isReady, found)
	}
	if _, _, found := Best([]Pod{leaving, pod("")}); found {
		t.Error("found a pod among none that runs")
	}
}
