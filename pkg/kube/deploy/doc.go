// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package deploy brings the Kubernetes objects of resources to a cluster, remembers what it brought, and removes it.
//
// # Deploy
//
// The objects of a resource are applied in the order of their kinds, at most ten at once, and the next kinds follow
// once all have succeeded. Definitions of kinds are awaited until they are established.
//
//   - Server-side apply, by the field manager "tilt-session". Fields of other managers are taken, and the log says
//     which and from whom. Client-side apply, by a three-way patch, is for update_settings(k8s_server_side_apply=
//     "false"), and for objects with fields that no schema has, which server-side apply refuses.
//   - What can't be changed is replaced: if the server refuses the change of an existing object by its fields, and a
//     dry run shows that it would take the object as a new one. The log says which fields. Volumes and their claims,
//     Namespaces, definitions, ServiceAccounts, Secrets and StatefulSets that take their claims with them are never
//     replaced; that is an error which says what to do.
//   - An object that is being deleted is waited for, then applied.
//   - Connections that fail, webhooks that don't answer and Namespaces that are ending are tried again until the time
//     of the object is over. The error says what it waited for.
//   - A deploy that a person asked for also restarts rollouts that it didn't change, and deletes and creates again Jobs
//     that have ended and Pods without an owner, and nothing else.
//   - The first deploy of a resource in a run restarts a rollout that it didn't change if its pods have files of live
//     updates in an earlier run, by their label manifest.LiveUpdatedLabel. Package workload sets that.
//
// A deploy by commands (k8s_custom_deploy) runs the apply command and takes the objects that it prints.
//
// # Inventory
//
// A ConfigMap in the namespace of the context lists the objects of a project and its owner; each object has their ID as
// an annotation. An object is removed only if it still has this annotation when it is read right before, so what other
// projects or owners have taken over stays, and so does what a person has unmarked.
//
//   - What left the YAML of a resource is pruned after the next deploy of the resource has succeeded; what left with
//     its resource, after the evaluation. What moved to another resource stays. Resources that are disabled or weren't
//     selected lose nothing. The log lists first what goes. Earlier runs count, and so do others of this process: what
//     one of their Tiltfiles has stays.
//   - Namespaces are only deleted by Down with DeleteNamespaces, and only if a deploy of the project created them:
//     others don't get the annotation.
//   - Definitions are deleted once no object of their kind is left, also of other projects.
//   - The annotation tilt.dev/down-policy=keep spares an object, from then on for good.
//   - Objects of deploys by commands aren't in the inventory. The delete command runs when the resource left the
//     Tiltfile within the run, and by Down.
//
// # Differences from Tilt
//
//	subject                      | Tilt                              | here
//	-----------------------------+-----------------------------------+------------------------------------------------
//	apply                        | client-side                       | server-side, conflicts logged
//	refused change               | deletes, then finds out           | asks the server first, spares what holds data
//	trigger                      | deletes all objects of the YAML   | applies, restarts rollouts, runs Jobs again
//	pods with files of live      | keep them                         | are restarted
//	updates in an earlier run    |                                   |
//	left the YAML                | within a session, any order       | between runs too, reverse order, listed, awaited
//	disabled resources           | deleted                           | stay
//	namespaces that left         | deleted with all that is in them  | stay, a line says so
//	down                         | requests the deletion             | dependents first, waits, says what is left
//	objects of others in down    | deleted                           | stay, a line says so
//	failed objects of a batch    | the first one ends the batch      | all of the batch are tried and named
//
// # Not here
//
// Whether the context may be used is decided by the Tiltfile. How the applied objects are is the subject of package
// workload.
package deploy
