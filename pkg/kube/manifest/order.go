// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"tilt.dev/session/pkg/model"
)

// Batch are objects that can be applied in parallel.
type Batch struct {
	Objects []model.Object
	// Await is true if the objects have to be established before the next batch: Namespaces and
	// CustomResourceDefinitions.
	Await bool
}

// order has the kinds in the order in which they are applied: each after what it uses. Kinds of one line are
// independent of each other, and so are all kinds that no line names, which come at rest.
//
// The order is that of Tilt with fewer and larger batches, and these differences. What limits or places pods comes
// before them, whatever its kind. Webhook configurations come last: earlier ones would call Services whose pods
// aren't there yet. Kinds are compared with their group: a Service of Knative isn't one of Kubernetes.
var order = [][]schema.GroupKind{
	{{Kind: "Namespace"}},
	{{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}},
	{
		{Kind: "ResourceQuota"}, {Kind: "LimitRange"}, {Kind: "ServiceAccount"}, {Kind: "PersistentVolume"},
		{Group: "storage.k8s.io", Kind: "StorageClass"}, {Group: "scheduling.k8s.io", Kind: "PriorityClass"},
		{Group: "node.k8s.io", Kind: "RuntimeClass"}, {Group: "networking.k8s.io", Kind: "IngressClass"},
		{Group: "networking.k8s.io", Kind: "NetworkPolicy"}, {Group: "policy", Kind: "PodSecurityPolicy"},
		{Group: "rbac.authorization.k8s.io", Kind: "Role"}, {Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"},
	},
	{
		{Group: "rbac.authorization.k8s.io", Kind: "RoleBinding"},
		{Group: "rbac.authorization.k8s.io", Kind: "ClusterRoleBinding"},
		{Kind: "PersistentVolumeClaim"}, {Kind: "ConfigMap"}, {Kind: "Secret"},
	},
	{{Kind: "Service"}},
	{
		{Group: "apps", Kind: "Deployment"}, {Group: "apps", Kind: "StatefulSet"}, {Group: "batch", Kind: "CronJob"},
		{Group: "policy", Kind: "PodDisruptionBudget"}, {Group: "apiregistration.k8s.io", Kind: "APIService"},
	},
	nil,
	{
		{Group: "admissionregistration.k8s.io", Kind: "MutatingWebhookConfiguration"},
		{Group: "admissionregistration.k8s.io", Kind: "ValidatingWebhookConfiguration"},
	},
}

// Positions within order: the last batch that is awaited, and that of all kinds it doesn't name.
const awaited, rest = 1, 6

// rank returns the position of an object in order.
func rank(o model.Object) int {
	kind := IDOf(o).GroupKind()
	if i := slices.IndexFunc(order, func(kinds []schema.GroupKind) bool { return slices.Contains(kinds, kind) }); i >= 0 {
		return i
	}
	return rest
}

// ApplyOrder returns the objects in the order in which they are applied. Those of a batch keep their order. An object
// and its duplicate are in different batches.
func ApplyOrder(objects []model.Object) (batches []Batch) {
	for level := range order {
		here := map[ID]bool{}
		begin := true
		for _, o := range objects {
			if rank(o) != level {
				continue
			}
			id := IDOf(o)
			if begin || here[id] {
				batches, here, begin = append(batches, Batch{Await: level <= awaited}), map[ID]bool{}, false
			}
			here[id] = true
			batch := &batches[len(batches)-1]
			batch.Objects = append(batch.Objects, o)
		}
	}
	return batches
}

// DeleteOrder returns the objects in the order in which they are deleted, the reverse of ApplyOrder. Await is true if
// the objects have to be gone before the next batch, which has what they may need to go: custom resources and whatever
// else is in a namespace before definitions and namespaces.
func DeleteOrder(objects []model.Object) []Batch {
	batches := ApplyOrder(objects)
	slices.Reverse(batches)
	for i := range batches {
		slices.Reverse(batches[i].Objects)
		batches[i].Await = i+1 < len(batches)
	}
	return batches
}
