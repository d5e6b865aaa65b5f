// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/private"
)

// resolve parses the kubeconfig, and writes the copy that holds the context of the run alone.
func (f *Frozen) resolve() (*model.Cluster, clientcmd.ClientConfig, error) {
	config, err := merge(f.sources)
	if err != nil {
		return nil, nil, err
	}
	config.CurrentContext = cmp.Or(f.options.Context, config.CurrentContext)
	if config.CurrentContext == "" {
		return nil, nil, nil
	}
	if err := minify(config, f.options.Namespace); err != nil {
		return nil, nil, err
	}
	context := config.Contexts[config.CurrentContext]
	entry := config.Clusters[context.Cluster]
	product := detectProduct(context.Cluster, entry.CertificateAuthority, entry.LocationOfOrigin)
	if err := flatten(config); err != nil {
		return nil, nil, err
	}
	path, err := f.write(config)
	if err != nil {
		return nil, nil, fmt.Errorf("write the copy of the kubeconfig for context %q: %w", config.CurrentContext, err)
	}
	return &model.Cluster{
		Context:    config.CurrentContext,
		Namespace:  context.Namespace,
		Name:       context.Cluster,
		Product:    product,
		Kubeconfig: path,
	}, clientcmd.NewDefaultClientConfig(*config, &clientcmd.ConfigOverrides{}), nil
}

// merge joins kubeconfig files as kubectl does: the first file that has an entry, or a current context, wins.
func merge(sources []source) (*api.Config, error) {
	merged := api.NewConfig()
	for _, s := range sources {
		if s.err != nil {
			return nil, fmt.Errorf("read kubeconfig: %w", s.err)
		}
		config, err := clientcmd.Load(s.data)
		if err != nil {
			return nil, fmt.Errorf("parse kubeconfig %s: %w", s.path, err)
		}
		for name, entry := range config.Clusters {
			entry.LocationOfOrigin = s.path
			addMissing(merged.Clusters, name, entry)
		}
		for name, entry := range config.AuthInfos {
			entry.LocationOfOrigin = s.path
			addMissing(merged.AuthInfos, name, entry)
		}
		for name, entry := range config.Contexts {
			entry.LocationOfOrigin = s.path
			addMissing(merged.Contexts, name, entry)
		}
		merged.CurrentContext = cmp.Or(merged.CurrentContext, config.CurrentContext)
	}
	return merged, nil
}

func addMissing[V any](m map[string]V, name string, entry V) {
	if _, ok := m[name]; !ok {
		m[name] = entry
	}
}

// minify removes all that the current context doesn't need, and sets its namespace.
func minify(config *api.Config, namespace string) error {
	name := config.CurrentContext
	context, ok := config.Contexts[name]
	switch {
	case !ok:
		return fmt.Errorf("the kubeconfig has no context %q; its contexts are: %s", name,
			cmp.Or(strings.Join(slices.Sorted(maps.Keys(config.Contexts)), ", "), "none"))
	case context.Cluster == "":
		return fmt.Errorf("context %q of the kubeconfig names no cluster; "+
			"use another context, or run `kubectl config set-context %s --cluster=CLUSTER`", name, name)
	}
	context.Namespace = cmp.Or(namespace, context.Namespace, "default")
	if err := api.MinifyConfig(config); err != nil {
		return fmt.Errorf("context %q of the kubeconfig: %w", name, err)
	}
	if err := clientcmd.ResolveLocalPaths(config); err != nil {
		return fmt.Errorf("context %q of the kubeconfig: %w", name, err)
	}
	return nil
}

// flatten replaces the paths of certificates and keys by their content. Token files and plugins stay paths, so that
// credentials that change are read anew.
func flatten(config *api.Config) error {
	// For clients data has precedence over a path; for FlattenConfig both are an error.
	for _, entry := range config.Clusters {
		if len(entry.CertificateAuthorityData) > 0 {
			entry.CertificateAuthority = ""
		}
	}
	for _, entry := range config.AuthInfos {
		if len(entry.ClientCertificateData) > 0 {
			entry.ClientCertificate = ""
		}
		if len(entry.ClientKeyData) > 0 {
			entry.ClientKey = ""
		}
	}
	if err := api.FlattenConfig(config); err != nil {
		return fmt.Errorf("context %q of the kubeconfig: %w", config.CurrentContext, err)
	}
	return nil
}

// write makes the private directory and writes the copy into it.
func (f *Frozen) write(config *api.Config) (path string, err error) {
	data, err := clientcmd.Write(*config)
	if err != nil {
		return "", err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return "", errors.New("the run has ended")
	}
	// Both are readable by the user alone.
	f.directory, err = private.TemporaryDirectory(f.options.Directory)
	if err != nil {
		return "", err
	}
	path = filepath.Join(f.directory, "config")
	return path, os.WriteFile(path, data, 0o600)
}
