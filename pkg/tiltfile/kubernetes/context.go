// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubernetes

import (
	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/tiltfile/builtins"
)

// allowContexts is allow_k8s_contexts(contexts). Calls add up.
func (k *Kubernetes) allowContexts(a struct {
	Contexts builtins.StringList `arg:"contexts"`
}) (starlark.Value, error) {
	k.cluster().Deploys()
	k.cluster().Allow(a.Contexts...)
	return nil, nil
}

// context is k8s_context(): the name of the context, empty without a kubeconfig.
func (k *Kubernetes) context(struct{}) (starlark.Value, error) {
	cluster, err := k.cluster().Known()
	if cluster == nil || err != nil {
		return starlark.String(""), err
	}
	return starlark.String(cluster.Context), nil
}

// namespace is k8s_namespace(): the namespace of the context, empty without a kubeconfig.
func (k *Kubernetes) namespace(struct{}) (starlark.Value, error) {
	cluster, err := k.cluster().Known()
	if cluster == nil || err != nil {
		return starlark.String(""), err
	}
	return starlark.String(cluster.Namespace), nil
}

func (k *Kubernetes) cluster() *builtins.Cluster { return k.evaluation.Kubernetes }
