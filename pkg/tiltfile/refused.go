// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"errors"
	"fmt"

	"go.starlark.net/starlark"
)

// refusedLibrary has the names that Tilt knows and this version can't do. That
// makes using one a clear error, where it would be an undefined name else.
func refusedLibrary() library {
	l := library{
		"v1alpha1": refusedModule("v1alpha1"),
	}
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
}

// refuse makes a builtin that fails for a reason.
func refuse(name, reason string) *starlark.Builtin {
	return starlark.NewBuiltin(name, func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
		return nil, errors.New(reason)
	})
}

// refusedModule is a module none of whose members is supported.
type refusedModule string

var _ starlark.HasAttrs = refusedModule("")

func (m refusedModule) Attr(name string) (starlark.Value, error) {
	return nil, fmt.Errorf("%s.%s isn't supported yet", string(m), name)
}
func (m refusedModule) AttrNames() []string   { return nil }
func (m refusedModule) Freeze()               {}
func (m refusedModule) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable: %s", m.Type()) }
func (m refusedModule) String() string        { return fmt.Sprintf("<module %q>", string(m)) }
func (m refusedModule) Truth() starlark.Bool  { return true }
func (m refusedModule) Type() string          { return "module" }
