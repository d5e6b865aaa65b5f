// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kube is the parent of the packages that deploy the Kubernetes resources of a Tiltfile and watch them.
//
// How the target NAME:runtime of a resource is follows Tilt, with these differences. Packages workload/status, workload
// and, for times and limits, pkg/session implement and test them:
//
//	| Tilt                                           | we                                                           |
//	|------------------------------------------------|--------------------------------------------------------------|
//	| the newest pod of a resource decides           | its objects decide, by kstatus: all replicas of a            |
//	|                                                | Deployment, StatefulSet and DaemonSet, all workloads of the  |
//	|                                                | resource                                                     |
//	| a Deployment of 0 replicas is pending for ever | ready                                                        |
//	| the state of objects is never read             | a CRD is established, a claim is bound, a custom resource is |
//	|                                                | as its conditions say; a rollout past its deadline has       |
//	|                                                | failed                                                       |
//	| a Job has failed with its first failed pod     | with its condition Failed, so that backoffLimit is honoured  |
//	| a Job whose pods are gone is active and ready  | terminated without an error                                  |
//	| a crash loop is active, and not ready          | an error, with the exit code; it is over when the container  |
//	|                                                | has run for 10 seconds                                       |
//	| the first exit of an init container is an      | an error once it is in a crash loop                          |
//	| error, then it is pending again                |                                                              |
//	| an image that can't be pulled is an error only | always an error, with the reason of the container runtime;   |
//	| if no container of the pod runs                | so is a bad image name                                       |
//	| an unschedulable pod is "Pending"              | waiting with that reason, and the message of the scheduler   |
//	| a missing ConfigMap or Secret is a word        | an error with its name, when it is missing for 30 seconds    |
//	| `ci` believes a pod without a readiness probe  | when its containers have run for 5 seconds; ci_settings(     |
//	| when it starts                                 | settle="0s") turns that off                                  |
//	| a pod with a native sidecar reads Init:0/1 for | a sidecar that has started is initialized; its crash loop is |
//	| life                                           | an error                                                     |
//	| a failed pod of a ReplicaSet, such as an       | doesn't count: another one takes its place                   |
//	| evicted one, is an error                       |                                                              |
//	| pods that are being deleted count              | don't count                                                  |
//	| a pod that a quota refuses is waiting-for-pod  | the same, with the message of the quota                      |
//	| a pod of a node that doesn't report stays      | not ready, with the name of the node                         |
//	| ready, if its containers were                  |                                                              |
//	| an object that someone deleted goes unnoticed  | waiting with the reason deleted                              |
//	| a cluster that doesn't answer ends the run     | the last known state, which says so, until it answers        |
//	| a terminated target has no finishTime          | finishTime is when it was first seen to have ended           |
//	| what waits for its pods has no readiness limit | it has, from the deploy on, and the error says what it waits |
//	|                                                | for; Jobs have none in both                                  |
//	| restarts aren't in the API                     | restartCount has those of all containers since the deploy    |
//	| port forwards go to the newest pod that runs,  | to a ready pod; the listener stays open over rollouts        |
//	| and their listener closes with it              |                                                              |
//	| a log that is silent is opened again, and may  | a log goes on at the line at which its stream broke, and the |
//	| lose or repeat lines                           | end of a former container's log is read first                |
//
// What is the same: the type is "job" only if the resource waits for its pods to succeed, startTime is that of the last
// deploy or, for a container that fails, of its pod, and a failure within k8s_grace_period of the last deploy has the
// graceStatus "Tolerated" and doesn't end `ci`. A resource that isn't waited for, such as "uncategorized", has no
// target NAME:runtime once it is deployed and has no pods.
package kube
