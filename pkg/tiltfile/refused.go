// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"errors"

	"go.starlark.net/starlark"
)

// refusedLibrary has the names that Tilt knows and this version can't do. That
// makes using one a clear error, where it would be an undefined name else.
func refusedLibrary() library {
	l := library{}
	for _, name := range clusterFunctions {
		l[name] = refuse(name, name+" isn't supported: this version runs local resources only")
	}
	return l
}

// clusterFunctions need images, Docker Compose or Kubernetes.
var clusterFunctions = []string{
	"allow_k8s_contexts", "custom_build", "dc_resource", "default_registry", "docker_build", "docker_compose",
	"docker_prune_settings", "fall_back_on", "helm", "initial_sync", "k8s_context", "k8s_custom_deploy",
	"k8s_image_json_path", "k8s_kind", "k8s_namespace", "k8s_resource", "k8s_yaml", "kustomize",
	"port_forward", "restart_container", "run", "sync", "workload_to_resource_function",
	"v1alpha1.cluster", "v1alpha1.forward", "v1alpha1.kubernetes_apply", "v1alpha1.kubernetes_apply_cmd",
	"v1alpha1.kubernetes_discovery", "v1alpha1.kubernetes_discovery_template_spec", "v1alpha1.kubernetes_image_locator",
	"v1alpha1.kubernetes_image_object_descriptor", "v1alpha1.kubernetes_watch_ref", "v1alpha1.label_selector",
	"v1alpha1.label_selector_requirement", "v1alpha1.object_selector", "v1alpha1.pod_log_stream_template_spec",
	"v1alpha1.port_forward_template_spec",
}

// refuse makes a builtin that fails for a reason.
func refuse(name, reason string) *starlark.Builtin {
	return starlark.NewBuiltin(name, func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
		return nil, errors.New(reason)
	})
}
