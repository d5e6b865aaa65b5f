// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"errors"

	"go.starlark.net/starlark"
)

// Unsupported returns the builtins of Tilt that this version doesn't have. A call is an error that says so; without
// it the name would be undefined.
func Unsupported() Library {
	l := Library{}
	for _, name := range unsupported {
		l[name] = builtin(name, func(*Call) (starlark.Value, error) {
			return nil, errors.New(name + " isn't supported: this version runs local resources only")
		})
	}
	return l
}

// unsupported builtins need images, Docker Compose or Kubernetes.
var unsupported = []string{
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
