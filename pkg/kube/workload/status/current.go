// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"cmp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"tilt.dev/session/pkg/kube/manifest"
)

// Current returns the pods that count, newest first: those of the last deploy and, of each of its Deployments, those
// of the newest ReplicaSet.
func Current(pods []Pod, hashes []string) []Pod {
	newest := map[types.UID]time.Time{}
	var current []Pod
	for _, p := range pods {
		if hash := p.Labels[manifest.PodTemplateHashLabel]; hash != "" && len(hashes) > 0 && !slices.Contains(hashes, hash) {
			continue
		}
		current = append(current, p)
		if ofReplicaSet(p) && p.OwnerCreated.After(newest[p.Root]) {
			newest[p.Root] = p.OwnerCreated
		}
	}
	current = slices.DeleteFunc(current, func(p Pod) bool {
		return ofReplicaSet(p) && p.OwnerCreated.Before(newest[p.Root])
	})
	slices.SortFunc(current, func(a, b Pod) int {
		return cmp.Or(b.CreationTimestamp.Compare(a.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	return current
}

// ofReplicaSet says whether a pod belongs to a ReplicaSet of an applied Deployment.
func ofReplicaSet(p Pod) bool {
	owner := metav1.GetControllerOf(p.Pod)
	return owner != nil && owner.Kind == "ReplicaSet" && p.Root != "" && p.Root != owner.UID
}

// Best returns the pod that a connection goes to: a ready one, else one that runs, else false. Newer pods go first.
func Best(pods []Pod) (best Pod, isReady, found bool) {
	for _, p := range pods {
		if p.Status.Phase != corev1.PodRunning || p.DeletionTimestamp != nil {
			continue
		}
		if ready(p.Pod) {
			return p, true, true
		}
		if !found {
			best, found = p, true
		}
	}
	return best, false, found
}
